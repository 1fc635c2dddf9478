"""People and workers around a tool that asks before each run."""

from steersman.core.events import Effect, JsonObject
from steersman.core.ids import TaskId
from steersman.core.model import Reply
from steersman.core.tool import RunningTool, ToolContext, ToolOutput
from tests.agent.core.people import People
from tests.agent.core.playing import Named, PlayedModel, Stage, call, say, tools
from tests.agent.core.scenes import ALWAYS_ASK
from tests.agent.postgres.making import ME, Store


def run(*names: str) -> Reply:
    return say("I run them.", *(call("run", name=name) for name in names))


class Place:
    """People and workers around a tool that always asks, and what it was run with."""

    def __init__(self, store: Store, *replies: Reply) -> None:
        async def run(arguments: Named, context: ToolContext) -> ToolOutput:
            self.ran.append(arguments.name)
            return ToolOutput("done", exit_code=0)

        self.ran: list[str] = []
        every = {**tools(), "run": RunningTool("run", "Run.", Named, Effect.UNSAFE, run)}
        self.stage = Stage(PlayedModel(*replies), every, approval_rules=(ALWAYS_ASK,))
        self.people = People(store, self.stage)

    async def asked(self, conversation_id: str | None = None) -> tuple[TaskId, list[JsonObject]]:
        """Submit a task and work on it until it rests; return what waits for a person then."""
        task_id = await self.people.submit(conversation_id=conversation_id)
        await self.people.work()
        return task_id, await self.people.pending()

    async def state(self, task_id: TaskId) -> str:
        return (await self.people.tasks.view(task_id, ME))["state"]
