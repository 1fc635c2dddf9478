"""What is known of one attempt: what was sent, what has come, and what it comes to."""

from collections.abc import Sequence
from typing import Any, Literal

from steersman.adapters.litellm.assembly import Assembly
from steersman.adapters.litellm.errors import Unusable
from steersman.adapters.litellm.json_calls import read_json_reply
from steersman.adapters.litellm.json_protocol import ShownText, json_prompt
from steersman.adapters.litellm.library import Library
from steersman.adapters.litellm.native import ProviderPrompt, native_prompt
from steersman.adapters.litellm.usage import estimated
from steersman.core.limits import Usage
from steersman.core.model import ModelRequest, Reply

_BYTES_PER_TOKEN_AT_MOST = 12
_PIECES_PER_TOKEN_AT_MOST = 2
"""A provider that keeps to `max_tokens` stays below both, however the tokens are cut."""


class Attempt:
    """One attempt, from the request to its end."""

    def __init__(self, request: ModelRequest) -> None:
        self.request = request
        self.protocol: Literal["native", "json"] = "native"
        self.prompt = ProviderPrompt([], [])
        self.accepted = False
        self._library: Library | None = None
        self._assembly = Assembly()
        self._text: list[str] = []
        self._shown: list[str] = []
        self._gate = ShownText()

    def begin(self, library: Library, protocol: Literal["native", "json"]) -> None:
        """Write the prompt for a model that calls tools in this way."""
        write = native_prompt if protocol == "native" else json_prompt
        self._library, self.protocol = library, protocol
        self.prompt = write(self.request.messages, self.request.tools)

    @property
    def complete(self) -> bool:
        """Say whether the provider has said that the reply is whole."""
        return self._assembly.finish_reason is not None

    def add(self, chunks: Sequence[Any]) -> str:
        """Take chunks; return the text to show. Raises Unusable when the reply is too long."""
        text = "".join(self._assembly.add(chunk) for chunk in chunks)
        self._text.append(text)
        shown = text if self.protocol == "native" else self._gate.add(text)
        self._shown.append(shown)
        most, assembly = self.request.max_output_tokens, self._assembly
        if (
            assembly.written > most * _BYTES_PER_TOKEN_AT_MOST
            or assembly.pieces > most * _PIECES_PER_TOKEN_AT_MOST
        ):
            raise self._too_long()
        return shown

    def reply(self) -> Reply:
        """Make the reply at the end of the stream. Raises Unusable when it is none."""
        reason = self._assembly.finish_reason
        self._text.append(self._assembly.rest())
        text, calls = "".join(self._text), self._assembly.calls()
        if reason is None:
            raise Unusable("connection", "The stream ended before the reply did.")
        if reason == "length":
            raise self._too_long()
        if reason == "content_filter" and not calls:
            raise Unusable("error", "The provider withheld the reply (content_filter).")
        if self.protocol == "json" and not calls:
            found = read_json_reply(text)
            text, calls = found.text, found.calls
        return Reply(text, self.request.model, self.spent(), calls)

    def cut_off(self) -> Reply:
        """Make the reply of an attempt that is ended by the caller: what was shown of it."""
        return Reply("".join(self._shown), self.request.model, self.spent(), cut=True)

    def unshown(self, reply: Reply) -> str:
        """Return the text of the whole reply that was held back while it streamed."""
        shown = "".join(self._shown)
        return reply.text[len(shown) :] if not reply.cut and reply.text.startswith(shown) else ""

    def spent(self) -> Usage:
        """Return the usage as the provider says it, else an estimate; nothing if not accepted."""
        usage = self._assembly.usage
        if usage is None and self.accepted:
            prompt = self.prompt
            usage = estimated(prompt.messages, prompt.tools, self._assembly.written)
        if usage is None or self._library is None:
            return Usage()
        return self._library.priced(self.request.model, usage)

    def _too_long(self) -> Unusable:
        tokens = self.request.max_output_tokens
        return Unusable("output_limit", f"The reply was longer than {tokens:,} tokens.")
