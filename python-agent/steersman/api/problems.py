"""Every error as `application/problem+json` (RFC 9457) with a stable code.

RequestError leaves keep their status and code; beside those of `core/errors.py` the API knows:
  Forbidden 403, MethodNotAllowed 405, NotReady 503, InternalError 500
ToolFailure, raised by the files of a workspace, keeps its code.
"""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request

from steersman.api.ports import WireModel
from steersman.core.errors import (
    Invalid,
    Malformed,
    NotFound,
    RequestError,
    SteersmanError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from steersman.core.text import clean
from steersman.core.tool import ToolFailure

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"


class Forbidden(RequestError):
    """Without a token the agent answers only to this machine. Use a loopback address."""

    status = 403


class MethodNotAllowed(RequestError):
    """This path does not know that method; `Allow` lists those that it knows."""

    status = 405


class NotReady(Unavailable):
    """The agent cannot work now."""


class InternalError(SteersmanError):
    """Something went wrong here. The agent's log has the details."""


class FieldProblem(WireModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(WireModel):
    """What is wrong, for programs (`code`) and for people (`detail` says what to do)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] | None = Field(
        default=None, description="Which fields are wrong; only with the code `invalid`."
    )


_BY_STATUS: dict[int, type[RequestError]] = {
    400: Malformed,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    422: Invalid,
}
_TOOL_STATUS = {
    "too_large": 413,
    "outside_workspace": 404,
    "not_found": 404,
    "not_a_file": 404,
    "not_permitted": 403,
}


def describe(error: SteersmanError) -> Problem:
    """Return the problem that an error is for the one who asked."""
    return _problem(_status_of(error), error.code(), str(error))


def _status_of(error: SteersmanError) -> int:
    match error:
        case RequestError():
            return error.status
        case Unavailable():
            return 503
        case _:
            return 500


def _problem(status: int, code: str, detail: str) -> Problem:
    return Problem(
        type=f"urn:steersman:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail=clean(detail),
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Answer with a problem and the headers that belong to its status."""
    extra = dict(headers or {})
    if problem.status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="steersman"'
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        extra["Retry-After"] = RETRY_AFTER_SECONDS
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, extra, media_type=MEDIA_TYPE)


def field_problems(errors: list[ErrorDetails], *, skip: int = 0) -> tuple[FieldProblem, ...]:
    """Name each wrong field; the first `skip` parts of its place are left out."""
    return tuple(
        FieldProblem(
            field=clean(".".join(str(part) for part in error["loc"][skip:])),
            message=clean(error["msg"].removeprefix("Value error, ")),
        )
        for error in errors
    )


def invalid(fields: tuple[FieldProblem, ...]) -> Problem:
    """Return the problem of a request that can be read but not accepted."""
    detail = "; ".join(
        f"{each.field}: {each.message}" if each.field else each.message for each in fields
    )
    return _problem(422, Invalid.code(), detail).model_copy(update={"errors": fields})


def install_problem_handlers(app: FastAPI) -> None:
    """Let the application answer every error as a problem."""
    app.add_exception_handler(SteersmanError, _on_error)
    app.add_exception_handler(ToolFailure, _on_tool_failure)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)


async def _on_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SteersmanError)
    return problem_response(describe(error))


async def _on_tool_failure(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ToolFailure)
    return problem_response(_problem(_TOOL_STATUS.get(error.code, 409), error.code, str(error)))


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors: list[ErrorDetails] = list(error.errors())
    if any(each["type"] == "json_invalid" for each in errors):
        place = errors[0]["loc"][-1]
        return problem_response(describe(Malformed(f"The body is no JSON: see character {place}.")))
    if errors[0]["loc"] == ("body",) and isinstance(error.body, bytes):
        return problem_response(
            describe(Malformed("Send JSON with `Content-Type: application/json`."))
        )
    return problem_response(invalid(field_problems(errors, skip=1)))


async def _on_http_exception(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    known = _BY_STATUS.get(error.status_code, Malformed)()
    problem = describe(known).model_copy(update={"status": error.status_code})
    return problem_response(problem, error.headers)


async def _on_bug(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(describe(InternalError()))
