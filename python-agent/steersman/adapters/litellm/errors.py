"""What went wrong, in the words of the Model port. Nothing here imports LiteLLM.

Its exceptions are told apart by status and by the names in their ancestry and causes: the classes
that it raises depend on the route (a 429 is a BadRequestError here and a RateLimitError there).
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from steersman.core.events import JsonObject
from steersman.core.limits import Usage
from steersman.core.model import CallFailed
from steersman.core.text import clean, shorten

_MESSAGE_LIMIT = 500
_LEAST_SECRET = 6
_SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SECRET_FORMS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|AIza)[-_]?[A-Za-z0-9_*.-]{12,}|(?i:\bbearer\s+)\S+|(?<=://)[^/\s@]+@"
)
_LABELS = re.compile(
    r"^(?:(?:litellm\.)?(?:[A-Z]\w*)?(?:Error|Timeout)|Timeout Error):\s*|^\w+Exception - "
)
_OBJECTS = re.compile(r" ssl:(?:<[^>]*>|\w+)")
"""What aiohttp says of a connection beside its address."""

_NO_PROVIDER = "LLM Provider NOT provided"

_CONTEXT = re.compile(
    r"context[_ ](?:length|window|size)|maximum context|prompt is too long|input is too long"
    r"|too many (?:input )?tokens|reduce the length",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"(?:tools?|tool use|tool calling|tool choice|function calling|functions?)[`'\" ]*"
    r"(?:is|are|was|were)? ?(?:not (?:yet )?(?:supported|available|enabled)|unsupported)"
    r"|(?:not|n't) support[a-z]*(?: the)?(?: use of)? ?[`'\"]?(?:tool|function)"
    r"|unsupported parameter\S* [`'\"]?tool|support tool use|enable-auto-tool-choice",
    re.IGNORECASE,
)
_NO_QUOTA = "insufficient_quota"
_BY_STATUS = {408: "timeout", 504: "timeout", 413: "context_exceeded", 429: "rate_limited"}
_OVERLOADED = frozenset({502, 503, 529})


class Unusable(Exception):
    """What came is no reply. `code` is one of CallFailed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ProviderError(Exception):
    """The provider reported an error inside of a stream that had begun."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status


def provider_error(error: Any) -> ProviderError:
    """Read the `error` of a chunk."""
    if not isinstance(error, dict):
        return ProviderError(500, str(error))
    fields = cast(JsonObject, error)
    codes = (fields.get("code"), fields.get("status"), fields.get("status_code"))
    status = next((int(str(code)) for code in codes if str(code).isdecimal()), 500)
    if status == 500 and "rate_limit" in f"{fields.get('code')} {fields.get('type')}":
        status = 429
    return ProviderError(status, str(fields.get("message") or fields))


def call_failed(
    error: BaseException, *, secrets: Sequence[str], now: datetime, usage: Usage
) -> CallFailed:
    """Say what an exception of LiteLLM, of the connection or of ours means."""
    original = _original(error)
    return CallFailed(
        code=_code(original),
        message=redacted(_message(original), secrets),
        usage=usage,
        retry_after_seconds=_retry_after(_headers(original), now),
    )


def tools_unsupported(error: BaseException) -> bool:
    """Say whether the provider refused a call because the model cannot call tools."""
    return _status(_original(error)) in {400, 404, 422, 501} and bool(
        _NO_TOOLS.search(str(_original(error)))
    )


def redacted(message: str, secrets: Sequence[str]) -> str:
    """Shorten a message and take out keys: those that we know and what looks like one."""
    known = [value for name, value in os.environ.items() if _SECRET_NAMES.search(name)]
    for secret in (*secrets, *known):
        if len(secret) >= _LEAST_SECRET:
            message = message.replace(secret, "[redacted]")
    return shorten(clean(_SECRET_FORMS.sub("[redacted]", message)), _MESSAGE_LIMIT)


def _original(error: BaseException) -> BaseException:
    """Unwrap what LiteLLM wraps for its router when a stream breaks."""
    inner = getattr(error, "original_exception", None)
    return _original(inner) if isinstance(inner, BaseException) else error


def _code(error: BaseException) -> str:
    if isinstance(error, Unusable):
        return error.code
    text, names = str(error), set(_names(error))
    if _broke_off(error):
        return "timeout" if "TimeoutException" in names else "connection"
    status = _status(error)
    if "ContextWindowExceededError" in names or (status == 400 and _CONTEXT.search(text)):
        return "context_exceeded"
    if "repeating the same chunk" in text or "JSONDecodeError" in names:
        return "garbage"
    if status is None or names & {"AttributeError", "KeyError", "TypeError", "ValidationError"}:
        return "garbage" if "APIConnectionError" in names else "error"
    return _code_of_status(status, text)


def _broke_off(error: BaseException) -> bool:
    """Say whether the connection failed, whatever status LiteLLM gives to that."""
    names = set(_names(error))
    return "TransportError" in names and "HTTPStatusError" not in names


def _code_of_status(status: int, text: str) -> str:
    if _NO_QUOTA in text:
        return "rejected"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status in _OVERLOADED:
        return "overloaded"
    return "rejected" if 400 <= status < 500 else "error"


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _names(error: BaseException) -> Iterator[str]:
    """Yield the names of the classes of an error and of what caused it."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield from (kind.__name__ for kind in type(cause).__mro__)
        cause = cause.__cause__ or cause.__context__


def _message(error: BaseException) -> str:
    text = str(getattr(error, "message", None) or error)
    while (shorter := _LABELS.sub("", text)) != text:
        text = shorter
    text = _OBJECTS.sub("", _inner_message(text) or text) or type(error).__name__
    if _NO_PROVIDER in text:  # its advice is for those who program with it
        return "The model's name says no provider: write it as PROVIDER/NAME, such as openai/NAME"
    if isinstance(error, Unusable) or _broke_off(error):
        return text
    status = _status(error)
    return f"{type(error).__name__}: {text}" if status is None else f"HTTP {status}: {text}"


def _inner_message(text: str) -> str | None:
    """Take the message out of a body like `{"error": {"message": …}}`."""
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for name in ("error", "message", "detail"):
        if isinstance(body, dict) and name in body:
            body = cast(JsonObject, body)[name]
    return body if isinstance(body, str) else None


def _headers(error: BaseException) -> Mapping[str, str]:
    response = getattr(error, "response", None)
    for headers in (
        getattr(error, "litellm_response_headers", None),
        getattr(response, "headers", None),
    ):
        if isinstance(headers, Mapping) and headers:
            pairs = cast(Mapping[object, object], headers).items()
            return {str(name).lower(): str(value) for name, value in pairs}
    return {}


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read Retry-After, seconds or a date."""
    value = headers.get("retry-after", "").strip()
    try:
        if value.replace(".", "", 1).isdecimal():
            return float(value)
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds(), 0.0)
