"""Server-sent events as OpenAI-compatible servers send them: `data:` lines, one chunk on each.

LiteLLM's own reader is not used where we can do without it: it splits lines at U+2028, U+0085 and
the like, drops every line that is then no JSON, and takes a chunk whose text has `[DONE]` in it
for the end. Each of these loses a part of a reply without a word.
"""

import json
from typing import Any

from steersman.adapters.litellm.errors import Unusable

MAX_LINE_BYTES = 8 * 1024 * 1024
DONE = b"[DONE]"


class EventReader:
    """Cuts bytes into chunks, however they arrive."""

    def __init__(self) -> None:
        self._rest = b""
        self._seen = False
        self.done = False

    def feed(self, part: bytes) -> list[Any]:
        """Return the chunks that are whole now. Raises Unusable for what is no JSON."""
        if len(self._rest) + len(part) > MAX_LINE_BYTES:
            raise Unusable("garbage", "The provider sent a line of more than 8 MiB.")
        *lines, self._rest = (self._rest + part).split(b"\n")
        return [chunk for line in lines for chunk in self._read(line)]

    def end(self) -> list[Any]:
        """Return what a last line without an end holds; complain if there was no event at all."""
        rest, self._rest = self._rest, b""
        chunks = self._read(rest)
        if not self._seen:
            raise Unusable("garbage", "The provider's answer is not a stream of chunks.")
        return chunks

    def _read(self, line: bytes) -> list[Any]:
        if not line.startswith(b"data:") or self.done:
            return []
        self._seen = True
        payload = line[len(b"data:") :].strip()
        if payload == DONE:
            self.done = True
            return []
        try:
            return [json.loads(payload.decode(errors="replace"))] if payload else []
        except (ValueError, RecursionError):
            message = "The provider sent a chunk that is no JSON."
            raise Unusable("garbage", message) from None
