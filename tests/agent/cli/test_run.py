"""`run`, `watch` and `demo`: what is checked first, what is submitted, what is shown."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest

from steersman.cli import demo as demo_module
from steersman.cli import run as run_module
from steersman.cli.demo import play
from steersman.cli.run import Goal, run_goal, watch_task
from steersman.core.errors import Invalid
from steersman.core.new_task import NewTask
from steersman.settings import Settings
from tests.agent.cli.samples import COMPLETED, SUBMITTED, TASK_ID, PlayedClient, event

LOCAL = Settings()
REMOTE = Settings(url="http://agent")


def use(monkeypatch: pytest.MonkeyPatch, module: ModuleType, client: PlayedClient) -> None:
    @asynccontextmanager
    async def open_client(
        settings: Settings, *, works: bool = False
    ) -> AsyncGenerator[PlayedClient]:
        yield client

    monkeypatch.setattr(module, "open_client", open_client)


async def test_a_goal_is_run_in_a_directory_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    client = PlayedClient(SUBMITTED, COMPLETED)
    client.notes = ("No model is configured.",)
    use(monkeypatch, run_module, client)
    code = await run_goal(Goal("Mend it", str(tmp_path), "tester"), LOCAL, as_json=False)
    assert (code, client.submitted) == (
        0,
        [(NewTask(goal="Mend it", role="tester"), str(tmp_path))],
    )
    assert capsys.readouterr().out.splitlines() == [
        "   No model is configured.",
        f"   works in {tmp_path}",
        "",
        " ◆ Mend it",
        "   developer · workspace shop · task 456789ab",
        "",
        " ┃ Completed",
        " ┃ Mended.",
        "   1 step · 2,000 tokens in, 30 out · 4.2 s",
        "",
    ]


async def test_at_a_server_a_workspace_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    client = PlayedClient(SUBMITTED, event("task_failed", code="stuck", message="m"))
    use(monkeypatch, run_module, client)
    assert await run_goal(Goal("g", "shop"), REMOTE, as_json=True) == 1
    assert client.submitted == [(NewTask(goal="g", workspace="shop"), None)]


@pytest.mark.parametrize(
    ("goal", "settings", "message"),
    [
        (Goal(""), LOCAL, "goal: String should have at least 1 character"),
        (Goal("x" * 40_000), LOCAL, "goal: String should have at most 32000 characters"),
        (Goal("g", "/no/such/place"), LOCAL, "--workspace /no/such/place: there is no such"),
        (
            Goal("g", "/code"),
            REMOTE,
            "--workspace /code: at the server of STEERSMAN_URL it is the name",
        ),
    ],
)
async def test_a_goal_is_checked_before_anything_is_opened(
    goal: Goal, settings: Settings, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await run_goal(goal, settings, as_json=False)
    assert str(caught.value).startswith(message)


async def test_a_watch_begins_after_its_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, run_module, PlayedClient(SUBMITTED, COMPLETED))
    assert await watch_task(str(TASK_ID), LOCAL, after=1, as_json=False) == 0
    assert capsys.readouterr().out.startswith("\n ┃ Completed\n")


class PlayedDemo:
    goal = "make the failing tests pass"
    notes = ()
    settings = LOCAL

    def __init__(self, directory: Path, *, passes: bool) -> None:
        self.directory = directory
        self._passes = passes

    async def verify(self) -> tuple[bool, str]:
        return self._passes, "the verdict"


async def prepared(demo: PlayedDemo) -> PlayedDemo:
    return demo


@pytest.mark.parametrize(
    ("end", "passes", "code", "verdict"),
    [
        (COMPLETED, True, 0, "✓ the verdict"),
        (COMPLETED, False, 1, "✗ the verdict"),
        (event("task_failed", code="stuck", message="m"), True, 1, None),
        (event("task_stopped", by="local"), True, 3, None),
    ],
)
async def test_the_demo_succeeds_only_with_green_tests(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    end: dict[str, object],
    passes: bool,
    code: int,
    verdict: str | None,
) -> None:
    client = PlayedClient(SUBMITTED, end)
    use(monkeypatch, demo_module, client)
    assert await play(prepared(PlayedDemo(tmp_path, passes=passes)), as_json=False) == code
    said = [line.strip() for line in capsys.readouterr().out.splitlines() if "verdict" in line]
    assert said == ([f"{verdict} ({tmp_path})"] if verdict else [])
    assert client.submitted == [(NewTask(goal=PlayedDemo.goal), str(tmp_path))]


async def test_a_place_of_its_own_is_named_as_a_shell_takes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, run_module, PlayedClient(SUBMITTED, COMPLETED))
    monkeypatch.setenv("HOME", "/home/me")
    settings = Settings(home=Path("/home/me/kept"))
    await run_goal(Goal("g"), settings, as_json=False)
    assert capsys.readouterr().out.startswith("   works in ~/kept/workspaces/local/c\n")
