"""The API with stand-ins behind it, asked in process or through a real server."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from steersman.api.dependencies import ApiDependencies
from steersman.api.ports import ActiveTask, Check, HealthReport, Occupancy, StreamTiming
from steersman.core.clock import SystemClock
from steersman.core.overview import Overviews
from steersman.core.roles import Role, Team
from steersman.core.tool import Arguments, Effect, RunningTool, ToolContext, ToolOutput
from tests.agent.api.driving import client_of, serving
from tests.agent.api.fakes import InMemoryTasks, InMemoryWorkspaces
from tests.agent.api.played_approvals import PlayedApprovals
from tests.agent.api.played_conversations import PlayedConversations, played_removals
from tests.agent.api.played_numbers import PlayedNumbers


class ReadArguments(Arguments):
    path: str


async def read(_arguments: ReadArguments, _context: ToolContext) -> ToolOutput:
    return ToolOutput("")


READ_FILE = RunningTool("read_file", "Read a file.", ReadArguments, Effect.PURE, read)
DEVELOPER = Role(description="You change code.", template="roles/d.md.j2", tools=("read_file",))


@dataclass(slots=True)
class Process:
    """What a test can turn: how the process says that it is."""

    occupancy: Occupancy
    report: HealthReport

    def work_on(self, goal: str) -> None:
        active = ActiveTask(task_id="019a5c3e-0000-7000-8000-000000000000", goal=goal)
        self.occupancy = Occupancy(self.occupancy.capacity, (*self.occupancy.active, active))


@pytest.fixture
def tasks() -> InMemoryTasks:
    return InMemoryTasks()


@pytest.fixture
def process() -> Process:
    report = HealthReport(
        status="ok",
        agent_status="IDLE",
        active_task=None,
        active_tasks=(),
        roles=("developer",),
        capacity=2,
        checks={"database": Check(status="ok")},
    )
    return Process(Occupancy(2, ()), report)


@pytest.fixture
def workspaces(tasks: InMemoryTasks) -> InMemoryWorkspaces:
    return InMemoryWorkspaces(tasks)


@pytest.fixture
def api(tasks: InMemoryTasks, process: Process, workspaces: InMemoryWorkspaces) -> ApiDependencies:
    async def health() -> HealthReport:
        return process.report

    return ApiDependencies(
        tasks=tasks,
        approvals=PlayedApprovals(),
        conversations=PlayedConversations(),
        removals=played_removals(tasks),
        overviews=Overviews(PlayedNumbers(), SystemClock()),
        team=Team({"developer": DEVELOPER}, "test"),
        tools={"read_file": READ_FILE},
        default_role="developer",
        default_model="openai/model",
        health=health,
        occupancy=lambda: process.occupancy,
        workspaces=workspaces,
        timing=StreamTiming(timedelta(seconds=0.05), timedelta(seconds=0.3)),
        max_upload_bytes=3_000_000,
    )


@pytest.fixture
async def client(api: ApiDependencies) -> AsyncGenerator[httpx.AsyncClient]:
    async with client_of(api) as client:
        yield client


@pytest.fixture
async def task_id(client: httpx.AsyncClient) -> str:
    answer = await client.post("/tasks", json={"goal": "Make it work"})
    return answer.json()["task_id"]


@pytest.fixture
async def address(api: ApiDependencies) -> AsyncGenerator[str]:
    async with serving(api) as address:
        yield address
