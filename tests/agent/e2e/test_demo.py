"""`make demo`'s command: it succeeds by really mending the example, and cannot by anything else."""

import json
from pathlib import Path

import pytest

from tests.agent.e2e.processes import environment, steersman

pytestmark = pytest.mark.slow

GOAL = "make the failing tests pass"


def test_the_demo_mends_the_example_on_a_database_of_its_own(home: Path) -> None:
    done = steersman("demo", env=environment(home, log_format=None))
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "STEERSMAN_MODEL (openai/NAME) and STEERSMAN_MODEL_BASE_URL",
        "execute_terminal_command python3 -m unittest",
        "Completed",
        "✓ python3 -m unittest: Ran ",
    ):
        assert said in done.stdout
    (directory,) = (home / "demo").iterdir()
    assert "round_to_cents(subtotal(lines)" in (directory / "shop/discounts.py").read_text()


def test_where_the_fix_does_not_apply_the_run_fails(env: dict[str, str], shop: Path) -> None:
    discounts = shop / "shop/discounts.py"
    text = discounts.read_text()
    assert "line.total * self.percent / 100" in text
    discounts.write_text(text.replace("line.total * self.percent", "self.percent * line.total"))
    done = steersman("run", GOAL, "--workspace", str(shop), "--json", env=env)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["type"], last["code"]) == (1, "task_failed", "model_rejected")
    assert "does not fit what happened" in last["message"]


def test_where_the_tests_stay_red_the_run_fails(env: dict[str, str], shop: Path) -> None:
    (shop / "tests/test_more.py").write_text(
        "import unittest\n\n\nclass More(unittest.TestCase):\n"
        "    def test_it(self):\n        self.assertEqual(1, 2)\n"
    )
    done = steersman("run", GOAL, "--workspace", str(shop), "--json", env=env)
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["type"] == "task_failed"


def test_another_goal_is_not_pretended(env: dict[str, str], shop: Path) -> None:
    done = steersman("run", "write a poem", "--workspace", str(shop), "--json", env=env)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["type"]) == (1, "task_failed")
    assert "knows a single goal" in last["message"]
