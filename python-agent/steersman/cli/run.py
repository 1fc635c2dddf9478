"""`run` and `watch`: a task from its goal, or from where it stands, to its end."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from steersman.cli.client import TaskClient, find_task, open_client
from steersman.cli.conversations import find_conversation
from steersman.cli.directories import existing_directory
from steersman.cli.follow import Follower, JsonLines, Presenter
from steersman.cli.keyboard import Keyboard
from steersman.cli.live import LiveView
from steersman.cli.printing import make_console
from steersman.cli.remarks import remarks
from steersman.cli.starting import redaction_of
from steersman.core.errors import Invalid
from steersman.core.ids import LOCAL_OWNER, TaskId
from steersman.core.new_task import NewTask
from steersman.settings import Settings


@dataclass(frozen=True, slots=True)
class Goal:
    """What was asked for. `workspace` is a directory, or at a server the name of a workspace.

    `conversation` is the end of an id; `on_busy` says what if a task of it has not ended.
    """

    text: str
    workspace: str | None = None
    role: str | None = None
    conversation: str | None = None
    on_busy: str = "enqueue"


async def run_goal(goal: Goal, settings: Settings, *, as_json: bool) -> int:
    """Submit a goal and see it through. Returns the exit code."""
    remote = settings.url is not None
    request = new_task(goal, remote=remote)
    directory = None
    if goal.workspace is not None and not remote:
        directory = existing_directory(goal.workspace, settings)
    with presenter(settings, as_json=as_json, asks=True) as view:
        async with open_client(settings, works=True) as client:
            for note in client.notes:
                view.note(note)
            if goal.conversation is not None:
                found = await find_conversation(client, goal.conversation)
                request = request.model_copy(update={"conversation_id": found})
            if request.workspace is not None:
                view.note(f"workspace {request.workspace} of {settings.url}; a new one is empty")
            accepted = await client.submit(request, directory=directory)
            if not remote:
                own = settings.workspaces / LOCAL_OWNER / accepted["conversation_id"]
                view.note(f"works in {shown_path(directory or str(own))}")
            return await attend(client, view, TaskId(accepted["task_id"]))


async def attend(client: TaskClient, view: Presenter, task_id: TaskId) -> int:
    """Have a task worked on, show it to its end, stop it at Ctrl-C. Returns the exit code."""
    async with client.attend(task_id):
        keys = view.keyboard if isinstance(view, LiveView) and view.asks else None
        return await Follower(client, view, stops=True, keys=keys).follow(task_id)


async def watch_task(text: str, settings: Settings, *, after: int, as_json: bool) -> int:
    """Show a task from a cursor on; one that nobody works on is gone on with here."""
    with presenter(settings, as_json=as_json) as view:
        async with open_client(settings, works=True) as client:
            task_id = await find_task(client, text)
            async with client.attend(task_id):
                return await Follower(client, view, stops=False).follow(task_id, after=after)


def shown_path(path: str) -> str:
    """Write a path as short as a shell takes it."""
    home = f"{Path.home()}/"
    return f"~/{path.removeprefix(home)}" if path.startswith(home) else path


def refuse_model(settings: Settings, model: str | None) -> None:
    """Raise Invalid where a model was named and could not be heeded."""
    if model is not None and settings.url is not None:
        raise Invalid(f"--model {model}: the server of STEERSMAN_URL chooses the model")


def new_task(goal: Goal, *, remote: bool) -> NewTask:
    """Check what was asked for before anything is opened."""
    try:
        return NewTask.model_validate(
            {
                "goal": goal.text,
                "role": goal.role,
                "workspace": goal.workspace if remote else None,
                "on_busy": goal.on_busy,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"][0] == "workspace":
            raise Invalid(
                f"--workspace {goal.workspace}: at the server of STEERSMAN_URL it is the name of a"
                " workspace, of letters, digits, . _ and -, and not a directory"
            ) from None
        raise Invalid(f"{first['loc'][0]}: {first['msg']}") from None


@contextmanager
def presenter(settings: Settings, *, as_json: bool, asks: bool = False) -> Generator[Presenter]:
    """Choose between lines for programs and the live view; `asks`: the person, if there is one."""
    redaction = redaction_of(settings)
    if as_json:
        lines = JsonLines()
        with remarks(lines.note, redaction):
            yield lines
        return
    asks = asks and sys.stdin.isatty() and sys.stdout.isatty()
    waits = "getting ready" if settings.url is None else "waiting for a worker"
    view = LiveView(make_console(), keyboard=Keyboard.of_stdin(), asks=asks, waits=waits)
    with remarks(view.note, redaction), view:
        yield view
