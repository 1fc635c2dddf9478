"""The JSON body of `PUT /workspaces/{name}`: a repository instead of an archive."""

import json
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request

from steersman.api.ports import GitSource
from steersman.api.requests import RequestBody
from steersman.core.errors import Malformed


class GitBody(RequestBody):
    """Where to clone from."""

    git: GitSource


GIT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"git": GitSource.model_json_schema()},
    "required": ["git"],
    "additionalProperties": False,
}
GIT_EXAMPLE = {"git": {"url": "https://git.example.com/team/shop.git", "ref": "main"}}


def is_json(headers: Headers) -> bool:
    """Say whether the body is announced as JSON."""
    media_type = headers.get("content-type", "").partition(";")[0]
    return media_type.strip().lower() == "application/json"


async def read_git_source(request: Request) -> GitSource:
    """Read and check the body."""
    try:
        body: object = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Malformed("The body is no JSON.") from None
    try:
        return GitBody.model_validate(body).git
    except ValidationError as error:
        # Answered like the bodies that FastAPI checks by itself.
        errors = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in errors]
        ) from None
