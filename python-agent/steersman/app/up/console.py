"""What the services say, one line each, with the name of who says it.

Ours log JSON, which is read and shown to people as a sentence with its facts; whatever else comes
is shown as it is. Where nobody reads along, each line is one JSON object instead.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from steersman.logs import printable

_WIDTH = 8
_COLOURS = {"agent": 36, "gateway": 35, "database": 34, "redis": 33}
_LEVEL_COLOURS = {"warning": 33, "error": 31, "critical": 31}
_LEVELS = {
    "Trace": "debug",
    "Debug": "debug",
    "Information": "info",
    "Warning": "warning",
    "Error": "error",
    "Critical": "critical",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a service: its level in Python's words, its message, its facts."""

    service: str
    message: str
    level: str = "info"
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    trace: str = ""


class Console:
    """Shows lines on a stream, and tells `listener` of each."""

    def __init__(
        self, stream: TextIO, *, as_json: bool, listener: Callable[[Said], None] | None = None
    ) -> None:
        self._stream = stream
        self._as_json = as_json
        self._listener = listener
        self._colours = not as_json and stream.isatty()

    def show(self, service: str, line: str) -> None:
        """Show a line of a service."""
        said = read(service, line)
        self._stream.write((_as_json(said) if self._as_json else self._as_text(said)) + "\n")
        self._stream.flush()
        if self._listener is not None:
            self._listener(said)

    def _as_text(self, said: Said) -> str:
        name = self._in(_COLOURS.get(said.service, 0), f"{said.service:<{_WIDTH}}")
        fields = said.fields.items()
        facts = [f"{name}={value}" for name, value in fields if str(value) not in said.message]
        text = " ".join((said.message, *facts))
        shown = self._in(_LEVEL_COLOURS.get(said.level, 0), printable(text).replace("\n", r"\n"))
        trace = [f"{name} | {printable(line)}" for line in said.trace.splitlines()]
        return "\n".join((f"{name} | {shown}", *trace))

    def _in(self, colour: int, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if colour and self._colours else text


def read(service: str, line: str) -> Said:
    """Read a line of a log, of Python's or of .NET's shape, or any other text."""
    try:
        record = _RECORD.validate_json(line)
    except ValidationError:
        return Said(service, line)
    return record.said(service)


class _PythonRecord(BaseModel):
    """A line of `steersman.logs`."""

    model_config = ConfigDict(extra="allow")

    level: str
    logger: str
    message: str
    time: str = ""
    exception: str = ""

    def said(self, service: str) -> Said:
        return Said(service, self.message, self.level, self.model_extra or {}, self.exception)


class _DotnetRecord(BaseModel):
    """A line of .NET's JSON console; its state holds the message once more, and its template."""

    level: str = Field(alias="LogLevel")
    category: str = Field(alias="Category")
    message: str = Field(alias="Message")
    state: dict[str, object] | None = Field(default=None, alias="State")
    exception: str = Field(default="", alias="Exception")

    def said(self, service: str) -> Said:
        arguments = {
            name: value
            for name, value in (self.state or {}).items()
            if name[:1].isalpha() and name != "Message"
        }
        fields = {"category": self.category.rpartition(".")[2], **arguments}
        return Said(service, self.message, _LEVELS.get(self.level, "info"), fields, self.exception)


_RECORD: TypeAdapter[_PythonRecord | _DotnetRecord] = TypeAdapter(_PythonRecord | _DotnetRecord)


def _as_json(said: Said) -> str:
    return json.dumps(
        {
            "service": said.service,
            "level": said.level,
            "message": said.message,
            **said.fields,
            **({"exception": said.trace} if said.trace else {}),
        },
        default=str,
    )
