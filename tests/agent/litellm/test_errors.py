"""Exceptions are told apart without LiteLLM's classes."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from steersman.adapters.litellm.errors import call_failed, redacted, tools_unsupported
from steersman.core.limits import Usage
from steersman.core.model import CallFailed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class InternalServerError(Exception):
    """Looks like one of LiteLLM's."""

    def __init__(self, message: str, status_code: int | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        for name, value in fields.items():
            setattr(self, name, value)


class ContextWindowExceededError(InternalServerError):
    pass


class APIConnectionError(InternalServerError):
    pass


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def failed(error: Exception) -> CallFailed:
    return call_failed(error, secrets=["hunter2hunter2"], now=NOW, usage=Usage())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InternalServerError("no", 401), "rejected"),
        (InternalServerError("no", 500), "error"),
        (InternalServerError("busy", 529), "overloaded"),
        (ContextWindowExceededError("no", 400), "context_exceeded"),
        (InternalServerError("Your prompt is too long for this model", 400), "context_exceeded"),
        (InternalServerError("The model is repeating the same chunk = x.", 500), "garbage"),
        (caused_by(InternalServerError("x", 500), httpx.ConnectError("refused")), "connection"),
        (caused_by(InternalServerError("x", 408), httpx.ReadTimeout("late")), "timeout"),
        (caused_by(APIConnectionError("x", 500), KeyError("choices")), "garbage"),
        (
            APIConnectionError("wrapped", original_exception=InternalServerError("x", 503)),
            "overloaded",
        ),
        (ValueError("a bug of ours"), "error"),
    ],
)
def test_codes(error: Exception, code: str) -> None:
    assert failed(error).code == code


def test_the_message_is_the_provider_s_without_labels_and_keys() -> None:
    label = "litellm.InternalServerError: InternalServerError: Hosted_vllmException - "
    body = '{"error": {"message": "No: hunter2hunter2 at https://me:pw@host/v1", "code": null}}'
    assert failed(InternalServerError(label + body, 500)).message == (
        "HTTP 500: No: [redacted] at https://[redacted]host/v1"
    )
    assert failed(ValueError("odd")).message == "ValueError: odd"


def test_the_message_is_for_those_who_run_it() -> None:
    refused = "Cannot connect to host a:1 ssl:<ssl.SSLContext object at 0x7f1> [Connect failed]"
    assert failed(ValueError(refused)).message == (
        "ValueError: Cannot connect to host a:1 [Connect failed]"
    )
    advice = "LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You…"
    assert failed(InternalServerError(advice, 400)).message == (
        "The model's name says no provider: write it as PROVIDER/NAME, such as openai/NAME"
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    for fields in (
        {"litellm_response_headers": {"Retry-After": value}},
        {"response": httpx.Response(429, headers={"retry-after": value})},
    ):
        assert failed(InternalServerError("slow", 429, **fields)).retry_after_seconds == seconds


@pytest.mark.parametrize("message", ["max_tokens is too large", "bad tool name", "tool_calls: …"])
def test_other_refusals_do_not_switch_tools_off(message: str) -> None:
    assert not tools_unsupported(InternalServerError(message, 400))
    assert not tools_unsupported(InternalServerError("tools are not supported", 500))


def test_long_messages_are_cut() -> None:
    assert len(redacted("word " * 1_000, [])) <= 500
