"""What the benchmarks report: a figure beside its target, and whether it is reached."""

import pytest

from tests.bench.figures import Figure, Section, Targets, percentile, spread
from tests.bench.run import SECTIONS, chosen, verdict


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (Figure("commit", 3.0, "ms", most=3), "ok"),
        (Figure("commit", 3.01, "ms", most=3), "missed"),
        (Figure("steps", 50, "steps/s", least=50), "ok"),
        (Figure("steps", 49.9, "steps/s", least=50), "missed"),
        (Figure("steps", 49.9, "steps/s"), "no target"),
    ],
)
def test_a_figure_is_held_against_its_target(figure: Figure, said: str) -> None:
    assert figure.verdict == said


def test_a_section_prints_figures_of_one_name_side_by_side_with_their_targets() -> None:
    stops = (
        Figure("stop", 24.4, "ms", statistic="p50"),
        Figure("stop", 1234.5, "ms", most=250, statistic="p95"),
    )
    section = Section("stop", (*stops, Figure("early", 0.25, "ms")), ("100 stops",), seconds=2)
    assert [line.split() for line in section.lines()] == [
        ["stop", "(2", "s)"],
        ["100", "stops"],
        ["stop", "p50", "24", "ms", "p95", "1,234", "ms", "≤", "250", "missed"],
        ["early", "0.25", "ms"],
    ]


def test_a_program_reads_every_figure_under_a_name_of_its_own() -> None:
    figure = Figure("stop", 1234.56789, "ms", most=250, statistic="p95")
    assert figure.to_json() == {
        "name": "stop, p95",
        "value": 1234.5679,
        "unit": "ms",
        "most": 250,
        "verdict": "missed",
    }


def test_a_spread_is_the_middle_and_the_worst_with_their_own_targets() -> None:
    usual, worst = spread("stop", [*range(100)], Targets(usual=10, worst=95), worst=0.95)
    assert (usual.statistic, usual.value, usual.verdict) == ("p50", 50, "missed")
    assert (worst.statistic, worst.value, worst.verdict) == ("p95", 95, "ok")


def test_a_percentile_of_few_values_is_one_of_them() -> None:
    assert [percentile([3.0, 1.0, 2.0], share) for share in (0.0, 0.5, 0.99)] == [1.0, 2.0, 3.0]


def test_the_verdict_names_what_is_missed() -> None:
    sections = [
        Section("a", (Figure("good", 1, "ms", most=2), Figure("free", 1, "ms"))),
        Section("b", (Figure("bad", 3, "ms", most=2),)),
    ]
    assert verdict(sections[:1]) == "1 of 1 targets are reached"
    assert verdict(sections) == "1 of 2 targets are reached; missed: b: bad"


def test_all_sections_run_unless_some_are_named_and_an_unknown_name_ends_it() -> None:
    assert chosen([]) == list(SECTIONS)
    assert chosen(["stop", "commit"]) == ["commit", "stop"]
    with pytest.raises(SystemExit, match="there is no section 'stpo'; ONLY is some of: startup"):
        chosen(["stpo"])
