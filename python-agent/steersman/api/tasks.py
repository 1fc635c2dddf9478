"""Tasks over REST: submit, list, read, command. Every write is answered after its commit."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from steersman.api.dependencies import Api, Owner
from steersman.api.examples import ACCEPTED, COMMAND_ACCEPTED, TREE, VIEW
from steersman.api.openapi import Responses, answer, problems, routes
from steersman.api.requests import (
    MAX_CURSOR,
    CleanText,
    IdempotencyKey,
    MessageBody,
    RequestBody,
    StopBody,
    TaskBody,
    TaskInPath,
    UuidText,
)
from steersman.api.schemas import CommandAccepted, TaskAccepted, TaskPage, TaskTree, TaskView
from steersman.core.commands import PauseTask, ResumeTask
from steersman.core.errors import (
    CommandConflict,
    ConversationBusy,
    CursorAhead,
    Invalid,
    Malformed,
    NotFound,
    StoreUnavailable,
    TaskEnded,
    TaskNotFound,
    TaskRunning,
    TooLarge,
)
from steersman.core.ids import ConversationId
from steersman.core.ports import TaskFilter
from steersman.core.state import TaskPhase

router = routes(tags=["tasks"])


class TaskQuery(RequestBody):
    """Which tasks to list."""

    state: list[TaskPhase] = Field(default=[], max_length=len(TaskPhase))
    conversation_id: UuidText | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: CleanText | None = Field(default=None, max_length=200)


class ViewQuery(RequestBody):
    """How new the view must be at least."""

    min_seq: int = Field(default=0, ge=0, le=MAX_CURSOR)


@router.post(
    "/tasks",
    status_code=202,
    responses={
        202: answer("The task is written down.", TaskAccepted, ACCEPTED),
        **problems(
            Malformed, NotFound, CommandConflict, ConversationBusy, TooLarge, Invalid,
            StoreUnavailable,
        ),
    },
)  # fmt: skip
async def submit_task(
    body: TaskBody, api: Api, owner: Owner, key: IdempotencyKey = None
) -> JSONResponse:
    """Submit a task: a goal for one role, in a conversation and a workspace."""
    accepted = await api.tasks.submit(body.to_new_task(), owner, command_id=key)
    return JSONResponse(accepted, 202, {"Location": f"/tasks/{accepted['task_id']}"})


@router.get(
    "/tasks",
    responses={
        200: answer("One page.", TaskPage, {"items": [VIEW], "next_cursor": None}),
        **problems(Invalid, StoreUnavailable),
    },
)
async def list_tasks(query: Annotated[TaskQuery, Query()], api: Api, owner: Owner) -> JSONResponse:
    """List your tasks, newest first."""
    page = await api.tasks.list(
        TaskFilter(
            owner_id=owner,
            states=tuple(state.value for state in query.state),
            conversation_id=_conversation(query.conversation_id),
            limit=query.limit,
            cursor=query.cursor,
        )
    )
    return JSONResponse({"items": list(page.items), "next_cursor": page.next_cursor})


@router.get(
    "/tasks/{task_id}",
    responses={
        200: answer("The task.", TaskView, VIEW),
        **problems(TaskNotFound, CursorAhead, Invalid, StoreUnavailable),
    },
)
async def get_task(
    task_id: TaskInPath, query: Annotated[ViewQuery, Query()], api: Api, owner: Owner
) -> JSONResponse:
    """Read a task. `min_seq` asks for a view that knows at least that event."""
    return JSONResponse(await api.tasks.view(task_id, owner, min_seq=query.min_seq))


@router.get(
    "/tasks/{task_id}/tree",
    responses={
        200: answer("The tree below the task.", TaskTree, TREE),
        **problems(TaskNotFound, Invalid, StoreUnavailable),
    },
)
async def get_tree(task_id: TaskInPath, api: Api, owner: Owner) -> JSONResponse:
    """Read a task and all that it has delegated. Each stands as of its own last commit."""
    return JSONResponse(await api.tasks.tree(task_id, owner))


@router.post(
    "/tasks/{task_id}/messages",
    status_code=202,
    responses={
        202: answer("The message is written down.", CommandAccepted, COMMAND_ACCEPTED),
        **problems(
            Malformed, TaskNotFound, CommandConflict, TaskEnded, TooLarge, Invalid,
            StoreUnavailable,
        ),
    },
)  # fmt: skip
async def add_message(
    task_id: TaskInPath, body: MessageBody, api: Api, owner: Owner, key: IdempotencyKey = None
) -> JSONResponse:
    """Say something to a task: it steers the next thought, or answers the task's question."""
    posted = await api.tasks.post(task_id, owner, body.to_command(), command_id=key)
    return JSONResponse(posted, 202)


@router.post(
    "/tasks/{task_id}/stop",
    status_code=202,
    responses={
        202: answer("The task will stop.", CommandAccepted, COMMAND_ACCEPTED),
        **problems(
            Malformed, TaskNotFound, CommandConflict, TooLarge, Invalid, StoreUnavailable
        ),
    },
)  # fmt: skip
async def stop_task(
    task_id: TaskInPath,
    api: Api,
    owner: Owner,
    body: StopBody | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Stop a task. What it did stays; a task that has ended is left as it is."""
    command = (body or StopBody()).to_command()
    posted = await api.tasks.post(task_id, owner, command, command_id=key)
    return JSONResponse(posted, 202)


@router.delete(
    "/tasks/{task_id}",
    status_code=204,
    responses={
        204: {"description": "It is gone, with all that came of it."},
        **problems(TaskNotFound, TaskRunning, Invalid, StoreUnavailable),
    },
)
async def delete_task(task_id: TaskInPath, api: Api, owner: Owner) -> Response:
    """Delete a task that has ended, with its whole tree, its log and what is kept of it."""
    await api.removals.delete(task_id, owner)
    return Response(status_code=204)


_STEERED: Responses = {
    202: answer("The wish is written down.", CommandAccepted, COMMAND_ACCEPTED),
    **problems(TaskNotFound, CommandConflict, TaskEnded, Invalid, StoreUnavailable),
}


@router.post("/tasks/{task_id}/pause", status_code=202, responses=_STEERED)
async def pause_task(
    task_id: TaskInPath, api: Api, owner: Owner, key: IdempotencyKey = None
) -> JSONResponse:
    """Pause a task: its thought is cut, a tool that runs may end, nothing more begins."""
    posted = await api.tasks.post(task_id, owner, PauseTask(), command_id=key)
    return JSONResponse(posted, 202)


@router.post("/tasks/{task_id}/resume", status_code=202, responses=_STEERED)
async def resume_task(
    task_id: TaskInPath, api: Api, owner: Owner, key: IdempotencyKey = None
) -> JSONResponse:
    """Go on with a paused task."""
    posted = await api.tasks.post(task_id, owner, ResumeTask(), command_id=key)
    return JSONResponse(posted, 202)


def _conversation(conversation_id: str | None) -> ConversationId | None:
    return None if conversation_id is None else ConversationId(conversation_id)
