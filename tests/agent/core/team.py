"""A team to play with: a model that plays each task's own replies, roles that may delegate."""

import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field

from steersman.core.events import ActionFailed, Envelope
from steersman.core.ids import TaskId
from steersman.core.limits import Limits
from steersman.core.model import (
    CallFailed,
    Cut,
    ModelRequest,
    OutcomeMessage,
    Reply,
    TextDelta,
    UserMessage,
)
from steersman.core.roles import Team
from steersman.core.tool import Tool
from steersman.tools import load_tools
from tests.agent.core.people import People
from tests.agent.core.playing import PlayedModel, Stage, call, finish, refusal, say, tools
from tests.agent.postgres.making import Store

Part = Reply | Callable[[ModelRequest], Reply]

TEAM_TOOLS = (
    "update_plan",
    "delegate_task",
    "wait_for_tasks",
    "check_task",
    "message_task",
    "stop_task",
)


def delegated(request: ModelRequest) -> list[str]:
    """Return the ids of the tasks that were delegated so far, as the model sees them."""
    texts = [m.text for m in request.messages if isinstance(m, OutcomeMessage)]
    return [found for text in texts for found in re.findall(r'^\{"task_id": "(.*)"\}$', text)]


def wait(until: str = "all") -> Part:
    """Wait for everything that was delegated."""
    return lambda request: say(
        "I wait.", call("wait_for_tasks", task_ids=delegated(request), until=until)
    )


def delegate(goal: str, role: str = "developer", **arguments: object) -> Reply:
    return say("I delegate.", call("delegate_task", role=role, goal=goal, **arguments))


class TeamModel(PlayedModel):
    """Play the replies of the task whose goal it is, then finish."""

    def __init__(self, **parts: Iterable[Part]) -> None:
        super().__init__()
        self.parts = {goal: deque(replies) for goal, replies in parts.items()}

    async def stream(
        self, request: ModelRequest, cut: Cut
    ) -> AsyncGenerator[TextDelta | Reply | CallFailed, None]:
        self.requests.append(request)
        assert refusal(request.messages) is None
        [goal] = (
            message.text.removeprefix("Your goal:\n")
            for message in request.messages
            if isinstance(message, UserMessage) and message.text.startswith("Your goal:\n")
        )
        parts = self.parts.get(goal)
        part = parts.popleft() if parts else finish(f"{goal}: done.")
        reply = part if isinstance(part, Reply) else part(request)
        yield TextDelta(reply.text)
        yield reply


@dataclass
class TeamStage(Stage):
    """Two roles, both of which may delegate."""

    tools: dict[str, Tool] = field(
        default_factory=lambda: {
            **tools(),
            **{name: tool for name, tool in load_tools().items() if name in TEAM_TOOLS},
        }
    )

    @property
    def team(self) -> Team:
        """Return an orchestrator and a developer."""
        role = super().team.roles["developer"]
        leads = role.model_copy(update={"limits": Limits(max_steps=200)})
        return Team({"orchestrator": leads, "developer": role}, "1")


@dataclass
class TeamGround:
    """A store, the people, and the workers that take what is due."""

    store: Store
    people: People

    async def submit(self, goal: str = "lead", **limits: int) -> TaskId:
        return await self.people.submit(goal, role="orchestrator", limits=limits)

    async def run(self, goal: str = "lead", **limits: int) -> TaskId:
        """Submit, and work until nothing is due."""
        task_id = await self.submit(goal, **limits)
        await self.people.work()
        return task_id

    async def log(self, task_id: TaskId) -> list[Envelope]:
        return await self.people.log(task_id)

    async def children(self, task_id: TaskId) -> list[TaskId]:
        """Return a task's children, the oldest first."""
        rows = await self.store.pool.fetch(
            "SELECT id::text FROM tasks WHERE parent_id = $1 ORDER BY id", task_id
        )
        return [TaskId(row["id"]) for row in rows]

    async def states(self) -> list[str]:
        """Return the states of all tasks, the oldest first."""
        rows = await self.store.pool.fetch("SELECT state FROM tasks ORDER BY id")
        return [row["state"] for row in rows]


def ground(store: Store, **parts: Iterable[Part]) -> TeamGround:
    """Put a team together whose tasks say these things."""
    return TeamGround(store, People(store, TeamStage(TeamModel(**parts))))


def shown_to(model: PlayedModel) -> str:
    """Return the last prompt as one text."""
    return json.dumps([getattr(m, "text", "") for m in model.requests[-1].messages])


def failures(log: list[Envelope]) -> list[str]:
    """Return the codes of the calls that failed."""
    return [e.event.error for e in log if isinstance(e.event, ActionFailed)]
