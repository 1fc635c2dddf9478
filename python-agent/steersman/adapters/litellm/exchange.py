"""One HTTP exchange with a provider: the call through LiteLLM, and its chunks as they come."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from steersman.adapters.litellm.library import Library
from steersman.adapters.litellm.native import ProviderPrompt
from steersman.adapters.litellm.sse import EventReader
from steersman.core.events import JsonObject

_log = logging.getLogger(__name__)

_OURS = ("openai/", "hosted_vllm/")
_NO_KEY = "none"
_DRAIN_SECONDS = 0.05
_END: list[JsonObject] = [{"choices": [{"delta": {}, "finish_reason": "stop"}]}]
"""What `[DONE]` says, if no chunk said it before."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a model is reached. `api_key` and `base_url` are None for a provider of LiteLLM's own.

    An OpenAI-compatible server is called by the name hosted_vllm, whatever it really is: that is
    LiteLLM's lean way to speak this protocol; the one called openai walks through every message
    several times.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = None


def route(model: str, *, base_url: str | None, api_key: str | None) -> Route:
    """Say how a model is reached: by the configured server if it is an OpenAI one."""
    if base_url is None or not model.startswith(_OURS):
        return Route(model)
    key = api_key or os.environ.get("OPENAI_API_KEY") or _NO_KEY
    return Route(f"hosted_vllm/{model.partition('/')[2]}", base_url, key)


class HttpClient:
    """The connections to the configured server; LiteLLM keeps those to its own providers."""

    def __init__(self) -> None:
        self._handler: Any = None

    def handler(self, library: Library) -> Any:
        """Return LiteLLM's handler, made when it is first wanted."""
        if self._handler is None:
            module = library.package.llms.custom_httpx.http_handler
            self._handler = module.AsyncHTTPHandler()
        return self._handler

    async def close(self, library: Library | None) -> None:
        """Close every connection, LiteLLM's own too."""
        handler, self._handler = self._handler, None
        if handler is not None:
            await handler.close()
        if library is not None:
            await library.package.close_litellm_async_clients()


class Exchange:
    """A call that has been accepted. `chunks` is read once; `close` ends the connection."""

    def __init__(self, wrapper: Any, *, speaks_openai: bool) -> None:
        self._wrapper = wrapper
        response = getattr(wrapper.completion_stream, "http_response", None)
        self._chunks = (
            _from_server(response)
            if speaks_openai and response is not None
            else _from_litellm(wrapper)
        )

    async def read(self) -> list[Any] | None:
        """Return the chunks that came together next; None at the end of the stream."""
        return await anext(self._chunks, None)

    async def close(self) -> None:
        """Close the connection, also in the middle of the stream."""
        try:
            await self._chunks.aclose()
            await self._wrapper.aclose()
        except Exception:  # noqa: BLE001 - whatever the vendor's way to hang up raises: it is over
            _log.debug("close_failed", exc_info=True)


async def open_exchange(
    library: Library,
    client: HttpClient,
    to: Route,
    *,
    prompt: ProviderPrompt,
    max_tokens: int,
    patience: timedelta,
) -> Exchange:
    """Send a prompt; raises what LiteLLM raises when the provider does not take it."""
    own: dict[str, Any] = {}
    if to.base_url is not None:
        own = {"api_base": to.base_url, "api_key": to.api_key, "client": client.handler(library)}
    wrapper = await library.package.acompletion(
        model=to.model,
        messages=prompt.messages,
        tools=prompt.tools or None,
        max_tokens=max_tokens,
        stream=True,
        stream_options={"include_usage": True},
        # Longer than ours, which is kept by the caller and counts chunks, not bytes.
        timeout=patience.total_seconds() + 5,
        num_retries=0,
        max_retries=0,
        drop_params=True,
        **own,
    )
    return Exchange(wrapper, speaks_openai=to.base_url is not None)


async def _from_server(response: Any) -> AsyncGenerator[list[Any], None]:
    """Read the chunks of an OpenAI-compatible server ourselves; sse.py says why."""
    events = EventReader()
    async with aclosing(response.aiter_bytes()) as parts:
        async for part in parts:
            if chunks := events.feed(part):
                yield chunks
            if events.done:
                yield _END
                await _drain(parts)
                return
    if chunks := events.end():
        yield chunks


async def _drain(parts: AsyncIterator[bytes]) -> None:
    """Read to the very end if that is there: only then can the connection be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in parts:
                pass


async def _from_litellm(wrapper: Any) -> AsyncGenerator[list[Any], None]:
    """Read the chunks of any other provider, which LiteLLM has put into OpenAI's form.

    What it makes up is taken out again: the reason why a stream ended that was only broken off,
    and the usage when the provider gave none.
    """
    async for chunk in wrapper:
        fields: dict[str, Any] = chunk.model_dump(exclude_none=True)
        if wrapper.received_finish_reason is None:
            for choice in fields.get("choices", ()):
                choice.pop("finish_reason", None)
        said = fields.pop("usage", None)
        if said and any(getattr(one, "usage", None) for one in wrapper.chunks):
            fields["usage"] = said
        yield [fields]
        if said:
            # Its usage is the last thing it says. Reading on would only start its own logging.
            return
