"""What may reach a terminal."""

import pytest

from steersman.cli.untrusted import one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\nlines", "plain\nlines"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\rb\x08\x00", "a␍b␈␀"),
        ("crlf\r\nis a line end", "crlf\nis a line end"),
        ("c1 \x9b31m", "c1 <U+009B>31m"),
        ("\u202egnp.exe\u2066", "<U+202E>gnp.exe<U+2066>"),
        ("tag \U000e0041 zero\u200bwidth\ufeff", "tag <U+E0041> zero<U+200B>width<U+FEFF>"),
        ("lone \ud800", "lone <U+D800>"),
        ("line\u2028separator\x85", "line separator "),
        ("\tindent", "    indent"),
        ("漢字 é 👩\u200d💻", "漢字 é 👩\u200d💻"),
        ("a\u3164b\u115f\uffa0", "a<U+3164>b<U+115F><U+FFA0>"),
        ("a\u034fb \u2800", "a<U+034F>b <U+2800>"),
        ("rm\ufe0f \U000e0100x", "rm<U+FE0F> <U+E0100>x"),
        ("ad\u200cmin", "ad<U+200C>min"),
        ("❤\ufe0f 1\ufe0f\u20e3 می\u200cخو", "❤\ufe0f 1\ufe0f\u20e3 می\u200cخو"),
        ("[bold]kept[/bold]", "[bold]kept[/bold]"),
    ],
)
def test_what_a_terminal_would_act_on_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_one_line_has_single_spaces() -> None:
    assert one_line("  a\n\n  b\tc\x07 ") == "a b c␇"
