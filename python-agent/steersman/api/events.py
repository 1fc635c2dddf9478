"""A task's log: by pages, or live as server-sent events."""

from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, Field

from steersman.api.dependencies import Api, Owner
from steersman.api.examples import EVENT_PAGE, EVENT_STREAM
from steersman.api.openapi import answer, problems, routes
from steersman.api.requests import MAX_CURSOR, RequestBody, TaskInPath
from steersman.api.schemas import EventPageBody
from steersman.api.sse import EventStreamResponse
from steersman.api.wire import watching
from steersman.core.errors import CursorAhead, Invalid, StoreUnavailable, TaskNotFound

router = routes(tags=["tasks"])

EVENT_STREAM_TYPE = "text/event-stream"


class EventQuery(RequestBody):
    """Which part of the log. `limit` is for pages."""

    after: int = Field(default=0, ge=0, le=MAX_CURSOR)
    limit: int = Field(default=500, ge=1, le=1000)


def _absent_when_empty(value: object) -> object:
    return None if value == "" else value


LastEventId = Annotated[
    Annotated[int, Field(ge=0, le=MAX_CURSOR)] | None,
    BeforeValidator(_absent_when_empty),
    Header(alias="Last-Event-ID", description="Where a stream goes on; wins over `after`."),
]

_page_or_stream = answer(
    "A page, or the stream when `Accept` is `text/event-stream`.", EventPageBody, EVENT_PAGE
)
_page_or_stream["content"][EVENT_STREAM_TYPE] = {
    "schema": {"type": "string"},
    "example": EVENT_STREAM,
}


@router.get(
    "/tasks/{task_id}/events",
    responses={
        200: _page_or_stream,
        **problems(TaskNotFound, CursorAhead, Invalid, StoreUnavailable),
    },
)
async def read_events(
    task_id: TaskInPath,
    query: Annotated[EventQuery, Query()],
    api: Api,
    owner: Owner,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last_event_id: LastEventId = None,
) -> Response:
    """Read the log past a cursor; as a stream it goes on live and ends after a final event."""
    streamed = EVENT_STREAM_TYPE in accept.lower()
    after = last_event_id if streamed and last_event_id is not None else query.after
    # For a stream this only finds out, before its headers are sent, whether it may begin.
    limit = 1 if streamed else query.limit
    page = await api.tasks.events(task_id, owner, after=after, limit=limit)
    if streamed:
        items = watching(api.tasks, task_id, owner, after=after)
        response: Response = EventStreamResponse(items, api.timing, api.closing)
    else:
        response = JSONResponse(
            {
                "events": [envelope.to_wire() for envelope in page.events],
                "next_after": page.next_after,
                "final": page.final,
            }
        )
    response.headers["Vary"] = "Accept"
    return response
