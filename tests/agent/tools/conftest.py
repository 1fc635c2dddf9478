"""A workspace, and a way to call a tool in it as the loop does."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from steersman.adapters.workspace import DirectoryFiles
from steersman.core.events import JsonObject
from steersman.core.ids import ActionId, TaskId
from steersman.core.tool import (
    CommandRequest,
    CommandResult,
    IdempotentTool,
    RunningTool,
    ToolContext,
    ToolFailure,
    TransactionalTool,
)
from steersman.tools import load_tools

TOOLS = load_tools()


class KeptArtifacts(dict[str, bytes]):
    """Artifacts by name."""

    async def read(self, name: str) -> bytes | None:
        return self.get(name)


class KnownChildren(dict[str, JsonObject]):
    """Views of children by id."""

    async def view(self, child_id: TaskId) -> JsonObject | None:
        return self.get(child_id)


class CannedCommands:
    """Answer every command with the same result, and remember what was asked."""

    def __init__(self, result: CommandResult) -> None:
        self.result = result
        self.requests: list[CommandRequest] = []

    async def run(self, request: CommandRequest) -> CommandResult:
        self.requests.append(request)
        return self.result

    async def adopt(self, action_id: ActionId) -> CommandResult | None:
        ended = [request for request in self.requests if request.action_id == action_id]
        return self.result if ended else None


@dataclass(slots=True)
class Workplace:
    """What tools work in. `call` gives what the model sees, `failure` the code and the text."""

    root: Path
    artifacts: KeptArtifacts
    commands: CannedCommands | None = None
    remaining: timedelta = timedelta(minutes=30)
    children: KnownChildren = field(default_factory=KnownChildren)

    def context(self) -> ToolContext:
        return ToolContext(
            task_id=TaskId("task"),
            action_id=ActionId("action"),
            files=DirectoryFiles(self.root),
            commands=self.commands,
            artifacts=self.artifacts,
            children=self.children,
            remaining=self.remaining,
        )

    async def call(self, name: str, **arguments: object) -> str:
        return await self.resume(name, await self.prepare(name, **arguments), **arguments)

    async def prepare(self, name: str, **arguments: object) -> str:
        """Make the key of an idempotent call's intent."""
        tool = TOOLS[name]
        if not isinstance(tool, IdempotentTool):
            return ""
        return await tool.prepare(tool.arguments.model_validate(arguments), self.context())

    async def resume(self, name: str, key: str, **arguments: object) -> str:
        """Run a call whose intent has been committed, as after a crash."""
        tool = TOOLS[name]
        match tool:
            case RunningTool():
                run = tool.run(tool.arguments.model_validate(arguments), self.context())
            case IdempotentTool():
                run = tool.run(tool.arguments.model_validate(arguments), self.context(), key)
            case TransactionalTool():
                raise TypeError("a transactional tool is decided, not run")
        return (await run).text

    async def failure(self, name: str, **arguments: object) -> tuple[str, str]:
        with pytest.raises(ToolFailure) as caught:
            await self.call(name, **arguments)
        return caught.value.code, str(caught.value)

    def write(self, path: str, content: bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    root = tmp_path / "workspace"
    root.mkdir()
    return Workplace(root, KeptArtifacts())
