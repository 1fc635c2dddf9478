"""The places in a task's life where a command can reach it, on a real store."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping

from steersman.core.approvals import ApprovalPolicy, RiskRule
from steersman.core.commands import AddMessage, Command, PauseTask, ResumeTask, StopTask
from steersman.core.errors import TaskEnded
from steersman.core.events import Envelope, Outcome, ThoughtRecorded
from steersman.core.ids import TaskId
from steersman.core.interruption import Shutdown
from steersman.core.model import ModelRequest, Reply
from steersman.core.tool import ToolContext
from tests.agent.core.making import kinds
from tests.agent.core.people import People
from tests.agent.core.playing import PlayedModel, Stage, UntilCut, call, forever, say, tools
from tests.agent.postgres.making import Store

COMMANDS: Mapping[str, Command] = {
    "stop": StopTask(reason="enough"),
    "pause": PauseTask(),
    "resume": ResumeTask(),
    "message": AddMessage(text="Use tabs."),
}
ALWAYS_ASK = RiskRule(tool="run", argument="name", matches="", then=ApprovalPolicy.ALWAYS)
RUN_AND_LOOK = say("Both.", call("run", name="x"), call("look"))


class Scene:
    """A task that is brought somewhere, commanded there, and worked on to where it rests."""

    def __init__(self, store: Store, *names: str) -> None:
        self._store = store
        self._commands = [COMMANDS[name] for name in names]
        self.answers: list[str] = []
        self.command_ids: list[str] = []
        self.log_before: list[Envelope] = []
        self.places: Mapping[str, Callable[[], Awaitable[None]]] = {
            "queued": self._queued,
            "thinking": self._thinking,
            "in a tool": self._in_a_tool,
            "asking": self._asking,
            "approval": self._approval,
            "paused": self._paused,
            "handed back": self._handed_back,
            "worker died": self._worker_died,
            "ended": self._ended,
        }

    async def play(self, place: str) -> list[Envelope]:
        """Return the log once nothing is due any more."""
        await self.places[place]()
        await self.people.work()
        return await self.people.log(self.task_id)

    async def command(self) -> None:
        """Give the commands, one after the other, as their owner."""
        self.log_before = await self.people.log(self.task_id)
        for command in self._commands:
            try:
                answer = await self.people.post(self.task_id, command)
            except TaskEnded:
                self.answers.append("ended")
                self.command_ids.append("")
            else:
                self.answers.append(str(answer["state"]))
                self.command_ids.append(str(answer["command_id"]))

    async def _begin(self, stage: Stage) -> None:
        self.people = People(self._store, stage)
        self.task_id: TaskId = await self.people.submit()

    async def _queued(self) -> None:
        await self._begin(Stage(PlayedModel()))
        await self.command()

    async def _thinking(self) -> None:
        if not isinstance(self._commands[0], ResumeTask):
            await self._begin(Stage(PlayedModel(UntilCut("I was going to", self.command))))
        else:
            await self._begin(Stage(PlayedModel(_look(), check=self._once)))
        await self.people.work()

    async def _once(self, request: ModelRequest) -> None:
        if not self.answers:
            await self.command()

    async def _in_a_tool(self) -> None:
        async def run(context: ToolContext) -> str:
            await _to_its_end(self.command())
            if any(isinstance(command, StopTask) for command in self._commands):
                await forever()
            return "done"

        await self._begin(Stage(PlayedModel(RUN_AND_LOOK), tools(run=run)))
        await self.people.work()

    async def _asking(self) -> None:
        await self._begin(Stage(PlayedModel(say("", call("ask_user", question="Which?")))))
        await self.people.work()
        await self.command()

    async def _approval(self) -> None:
        stage = Stage(PlayedModel(RUN_AND_LOOK), approval_rules=(ALWAYS_ASK,))
        await self._begin(stage)
        await self.people.work()
        await self.command()

    async def _paused(self) -> None:
        async def pause() -> None:
            await self.people.post(self.task_id, PauseTask())

        await self._begin(Stage(PlayedModel(UntilCut("I was going to", pause))))
        await self.people.work()
        await self.command()

    async def _handed_back(self) -> None:
        async def look(context: ToolContext) -> str:
            self.people.shutdown.asked.set()
            return "done"

        await self._begin(Stage(PlayedModel(_look()), tools(look=look)))
        run = await self.people.claimed()
        assert run is not None
        await run.work()
        self.people.shutdown = Shutdown()
        await self.command()

    async def _worker_died(self) -> None:
        """The worker dies in a command, and for a while nobody can know."""
        begun = asyncio.Event()

        async def run(context: ToolContext) -> str:
            begun.set()
            await forever()
            return "never"

        await self._begin(Stage(PlayedModel(RUN_AND_LOOK), tools(run=run)))
        claimed = await self.people.claimed()
        assert claimed is not None
        working = asyncio.create_task(claimed.work())
        await begun.wait()
        working.cancel()
        await asyncio.wait([working])
        await self.command()
        assert await self.people.log(self.task_id) == self.log_before
        await self.people.workers_die()

    async def _ended(self) -> None:
        await self._begin(Stage(PlayedModel()))
        await self.people.work()
        await self.command()


def _look() -> Reply:
    return say("I look.", call("look"))


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Do all of it, also when the first command already ends the tool that gives them."""
    working = asyncio.create_task(work)
    try:
        await asyncio.shield(working)
    finally:
        await working


def since(scene: Scene, log: list[Envelope]) -> list[str]:
    """Name the events since the command, those that answer it with an arrow before them."""
    new = log[len(scene.log_before) :]
    names = kinds(envelope.event for envelope in new)
    return [
        f"> {name}" if envelope.command_id in scene.command_ids else name
        for name, envelope in zip(names, new, strict=True)
    ]


def outcomes_per_call(log: list[Envelope]) -> Counter[str]:
    """Count the outcomes of every call that the log holds, and of those that it does not."""
    events = [envelope.event for envelope in log]
    calls = [one.action_id for e in events if isinstance(e, ThoughtRecorded) for one in e.actions]
    counted = Counter(event.action_id for event in events if isinstance(event, Outcome))
    return Counter({action_id: counted[action_id] for action_id in {*calls, *counted}})
