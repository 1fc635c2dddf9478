"""Commands as clients of the JSON protocol send them, done and answered.

The gateway's bridge sends the same commands on behalf of people, and gets the same answers.
"""

import json
from typing import Any, assert_never, cast

from pydantic import ValidationError

from steersman.api.chat_frames import (
    AddMessageTo,
    CommandFrame,
    DecideApprovalNow,
    PauseTaskNow,
    ResumeTaskNow,
    StopTaskNow,
    SubmitTask,
    Unwatch,
    Watch,
    read_frame,
)
from steersman.api.dependencies import ApiDependencies
from steersman.api.problems import describe, field_problems, invalid
from steersman.core.clock import SystemClock, new_id
from steersman.core.errors import Malformed, SteersmanError
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId

_MAX_ID = 200


async def execute(request: CommandFrame, api: ApiDependencies, owner: OwnerId) -> JsonObject:
    """Do what a command asks. Returns the `answer`; raises SteersmanError."""
    match request:
        case SubmitTask():
            command_id = request.command_id or new_id(SystemClock())
            accepted = await api.tasks.submit(request.to_new_task(), owner, command_id=command_id)
            return _answer({"command_id": command_id}, accepted)
        case AddMessageTo() | StopTaskNow() | PauseTaskNow() | ResumeTaskNow():
            task_id, command = TaskId(request.task_id), request.to_command()
            posted = await api.tasks.post(task_id, owner, command, command_id=request.command_id)
            return _answer({"task_id": task_id}, posted)
        case DecideApprovalNow():
            wish = request.to_decision(request.approval_id)
            ruled = await api.approvals.decide(wish, owner, command_id=request.command_id)
            return _answer({}, ruled)
        case _:
            assert_never(request)


async def execute_for(body: JsonObject, api: ApiDependencies, owner: OwnerId) -> JsonObject:
    """Do what a command asks. Returns the `answer`, or the `error` that says why not."""
    try:
        request = read_frame(body)
        if isinstance(request, Watch | Unwatch):
            raise Malformed("This is no command.")
        return await execute(request, api, owner)
    except (ValidationError, SteersmanError) as error:
        return failure(error, place_of(body))


def failure(error: ValidationError | SteersmanError, place: JsonObject) -> JsonObject:
    """Return the `error` that answers a frame."""
    if isinstance(error, SteersmanError):
        problem = describe(error)
    else:
        errors = error.errors(include_url=False, include_input=False)
        # The first part of a place is the type, by which the shape was chosen.
        fields = field_problems(errors, skip=1) if errors[0]["loc"] else field_problems(errors)
        problem = invalid(fields)
    what = problem.model_dump(
        mode="json", exclude_none=True, include={"status", "code", "detail", "errors"}
    )
    return {"type": "error", **place, **what}


def parse(frame: str) -> JsonObject:
    """Read a frame. Raises Malformed."""
    try:
        body: object = json.loads(frame)
    except (ValueError, RecursionError):
        raise Malformed("The frame is no JSON.") from None
    if not isinstance(body, dict):
        raise Malformed("A frame is one JSON object.")
    return cast(JsonObject, body)


def place_of(body: JsonObject) -> JsonObject:
    """Return what an answer names of its request."""
    named: dict[str, Any] = {key: body.get(key) for key in ("command_id", "task_id")}
    return {key: v for key, v in named.items() if isinstance(v, str) and len(v) <= _MAX_ID}


def _answer(place: JsonObject, answer: JsonObject) -> JsonObject:
    return {"type": "answer", **place, "status": 202, **answer}
