"""The OpenAPI document: what is built, with examples, and nothing else."""

from enum import Enum
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from steersman import __version__
from steersman.api.auth import PUBLIC
from steersman.api.problems import (
    MEDIA_TYPE,
    RETRY_AFTER_SECONDS,
    FieldProblem,
    Forbidden,
    InternalError,
    Problem,
    describe,
    invalid,
)
from steersman.core.errors import Invalid, SteersmanError, Unauthorized
from steersman.core.events import JsonObject

Responses = dict[int | str, dict[str, Any]]

_DESCRIPTION = """\
Tasks for a team of AI agents. Everything that happens to a task is an event in its log, numbered
from 1 without gaps: read the log by pages, follow it live as server-sent events, resume with the
last number that you saw. `/ws/chat` (WebSocket, plain text or the subprotocol `steersman.v1.json`)
carries the same events. Writes take an `Idempotency-Key`, so that repeating them is safe.
"""


def routes(prefix: str = "", tags: list[str | Enum] | None = None) -> APIRouter:
    """Return a router whose operations are named like the functions that do them."""
    return APIRouter(prefix=prefix, tags=tags, generate_unique_id_function=lambda route: route.name)


def answer(description: str, model: type[BaseModel], example: JsonObject) -> dict[str, Any]:
    """Describe a JSON answer."""
    return {
        "description": description,
        "model": model,
        "content": {"application/json": {"example": example}},
    }


def content(description: str, media_type: str, example: str | None = None) -> dict[str, Any]:
    """Describe an answer that is no JSON."""
    body: JsonObject = {"schema": {"type": "string"}}
    if example is None:
        body["schema"]["format"] = "binary"
    else:
        body["example"] = example
    return {"description": description, "content": {media_type: body}}


def problems(*errors: type[SteersmanError]) -> Responses:
    """Describe errors, grouped by their status, with an example of each."""
    responses: Responses = {}
    for error in errors:
        problem = _example(error)
        response = responses.setdefault(problem.status, _problem_response(problem))
        response["content"][MEDIA_TYPE]["examples"][problem.code] = {
            "value": problem.model_dump(mode="json", exclude_none=True)
        }
    return responses


def _example(error: type[SteersmanError]) -> Problem:
    if error is Invalid:
        return invalid((FieldProblem(field="limits.max_steps", message="must be at least 1"),))
    return describe(error())


def _problem_response(problem: Problem) -> dict[str, Any]:
    media: JsonObject = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
    response: JsonObject = {"description": problem.title, "content": {MEDIA_TYPE: media}}
    if problem.status == 503:
        response["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait.",
                "schema": {"type": "string"},
                "example": RETRY_AFTER_SECONDS,
            }
        }
    return response


def install_openapi(app: FastAPI) -> None:
    """Serve the document at the application's `openapi_url`."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document


def _document(app: FastAPI) -> JsonObject:
    document = get_openapi(
        title="Steersman agent",
        version=__version__,
        description=_DESCRIPTION,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    components = document["components"]
    components["schemas"]["Problem"] = _problem_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "STEERSMAN_API_TOKEN, or a token of the gateway at"
            " STEERSMAN_GATEWAY_URL; without these settings none is needed.",
        }
    }
    document["security"] = [{"token": []}, {}]
    for path, item in cast(dict[str, JsonObject], document["paths"]).items():
        for operation in item.values():
            _complete(operation, public=path in PUBLIC)
    return document


def _problem_schema() -> JsonObject:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schema["properties"]["errors"] = {
        "type": "array",
        "items": FieldProblem.model_json_schema(),
        "description": schema["properties"]["errors"]["description"],
    }
    del schema["$defs"]
    return schema


def _complete(operation: JsonObject, *, public: bool) -> None:
    """Add what every operation may answer, and whether it needs the token."""
    if public:
        operation["security"] = []
    else:
        operation["responses"].update(_plain(problems(Unauthorized)))
    operation["responses"].update(_plain(problems(Forbidden, InternalError)))
    described = sorted(operation["responses"].items())
    operation["responses"] = {status: each for status, each in described if _is_ours(each)}


def _is_ours(response: JsonObject) -> bool:
    """Tell our answers from FastAPI's own 422, which it adds wherever there is a parameter."""
    body = response.get("content", {}).get("application/json", {}).get("schema", {})
    return body.get("$ref") != "#/components/schemas/HTTPValidationError"


def _plain(responses: Responses) -> JsonObject:
    return {str(status): response for status, response in responses.items()}
