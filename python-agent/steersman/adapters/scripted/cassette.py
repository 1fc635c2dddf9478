"""A cassette: recorded replies, each with what must have happened before it."""

import re
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from steersman.core.errors import ConfigurationError
from steersman.core.events import JsonObject
from steersman.core.limits import Usage
from steersman.core.text import shorten


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


class CassetteCall(BaseModel):
    """A tool call as it was recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    arguments: JsonObject = Field(default_factory=dict)


class CassetteReply(BaseModel):
    """One recorded reply.

    `expect`: regular expressions, each of which must be found in the outcomes of the reply before
    (their texts in order, a blank line between them). `usage`: estimated when not recorded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(pattern=r"\S", max_length=900)  # the loop shortens texts from 1,000 bytes on
    calls: tuple[CassetteCall, ...] = Field(min_length=1)
    expect: tuple[Annotated[str, AfterValidator(_compiles)], ...] = ()
    usage: Usage | None = None


class Cassette(BaseModel):
    """A recorded run: the goal that it reaches and the replies that lead there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: str = Field(min_length=1)
    replies: tuple[CassetteReply, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _can_be_followed(self) -> "Cassette":
        texts = {reply.text.strip() for reply in self.replies}
        if len(texts) < len(self.replies):
            raise ValueError("two replies have the same text, by which they are told apart")
        if not all(reply.expect for reply in self.replies[1:]):
            raise ValueError("a reply after the first has nothing that it expects")
        return self


def demo_cassette() -> Cassette:
    """Return the recording that comes with Steersman, made in `examples/shop`."""
    text = resources.files("steersman").joinpath("demo", "shop.json").read_text("utf-8")
    return Cassette.model_validate_json(text)


def read_cassette(path: Path) -> Cassette:
    """Read a cassette; raises ConfigurationError when it is none."""
    try:
        return Cassette.model_validate_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise ConfigurationError(
            f"{path}: expected a cassette ({shorten(str(error), 300)})"
        ) from None
