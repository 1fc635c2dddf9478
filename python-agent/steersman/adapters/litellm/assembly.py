"""A reply is put together from the chunks of its stream."""

import json
from dataclasses import dataclass, field
from typing import Any, cast

from steersman.adapters.litellm.errors import Unusable, provider_error
from steersman.adapters.litellm.usage import reported
from steersman.core.events import JsonObject
from steersman.core.limits import Usage
from steersman.core.model import ModelCall
from steersman.core.text import clean

_HIGH_SURROGATES = range(0xD800, 0xDC00)


@dataclass(slots=True)
class _Call:
    id: str | None
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


class Assembly:
    """Collects text, calls and usage. `written` counts bytes, `pieces` what was not empty."""

    def __init__(self) -> None:
        self.written = 0
        self.pieces = 0
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        self._half = ""

    def add(self, chunk: Any) -> str:
        """Take one chunk and return the text that it adds."""
        if not isinstance(chunk, dict):
            raise Unusable("garbage", "The provider sent a chunk that is no JSON object.")
        fields = cast(JsonObject, chunk)
        if fields.get("error"):
            raise provider_error(fields["error"])
        self.usage = reported(fields.get("usage")) or self.usage
        choices: list[JsonObject] = fields.get("choices") or []
        try:
            return "".join(self._choice(choice) for choice in choices if not choice.get("index"))
        except (AttributeError, KeyError, TypeError):
            message = "The provider sent a chunk that does not have the form of one."
            raise Unusable("garbage", message) from None

    def calls(self) -> tuple[ModelCall, ...]:
        """Return the calls as the model wrote them."""
        return tuple(
            ModelCall(clean(one.name), clean(_paired("".join(one.arguments))))
            for one in self._calls
        )

    def rest(self) -> str:
        """Return what was held back for a second half that did not come."""
        half, self._half = self._half, ""
        return clean(half)

    def _choice(self, choice: JsonObject) -> str:
        self.finish_reason = self.finish_reason or choice.get("finish_reason")
        delta: JsonObject = choice.get("delta") or {}
        for call in delta.get("tool_calls") or ():
            self._call(call)
        self._count(delta.get("reasoning_content") or delta.get("reasoning"))
        return self._text(_flat(delta.get("content")))

    def _text(self, text: str) -> str:
        """Clean a piece; half a surrogate pair at its end waits for the other half."""
        self._count(text)
        text, self._half = self._half + text, ""
        if text and ord(text[-1]) in _HIGH_SURROGATES:
            text, self._half = text[:-1], text[-1]
        return clean(_paired(text))

    def _call(self, delta: JsonObject) -> None:
        """Add to a call. Some providers give every call the index 0, or none, but an id."""
        index = delta.get("index")
        at = index if isinstance(index, int) else max(self._at, default=0)
        call, new_id = self._at.get(at), delta.get("id")
        function: JsonObject = delta.get("function") or {}
        name = function.get("name")
        if call is None or (new_id and call.id and new_id != call.id and name):
            call = self._at[at] = _Call(new_id)
            self._calls.append(call)
        call.name = call.name or name or ""
        arguments = function.get("arguments") or ""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call.arguments.append(text)
        self._count(text)

    def _count(self, text: Any) -> None:
        if isinstance(text, str) and text:
            self.pieces += 1
            self.written += len(text.encode(errors="replace"))


def _flat(content: Any) -> str:
    """Return the text of a delta, which some providers send in parts."""
    if isinstance(content, list):
        parts = cast(list[JsonObject], content)
        return "".join(part.get("text") or "" for part in parts if part.get("type") == "text")
    return content or ""


def _paired(text: str) -> str:
    """Join surrogates that arrived as two halves."""
    if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
