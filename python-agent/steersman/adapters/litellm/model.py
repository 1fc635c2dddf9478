"""The Model port over LiteLLM: one attempt per call, as a stream of values."""

import logging
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from steersman.adapters.litellm.attempt import Attempt
from steersman.adapters.litellm.errors import Unusable, call_failed, tools_unsupported
from steersman.adapters.litellm.exchange import Exchange, HttpClient, open_exchange, route
from steersman.adapters.litellm.library import LazyLibrary, Library
from steersman.adapters.litellm.waiting import Silence, Waiter, WasCut
from steersman.core.model import CallFailed, Cut, ModelRequest, Reply, TextDelta

Protocol = Literal["native", "json"]

_log = logging.getLogger(__name__)

_IMPORT_PATIENCE = timedelta(minutes=2)
_AFTER_THE_END = timedelta(seconds=5)
"""How long we wait for usage and the end of the stream when the reply itself is complete."""


class LiteLLMModel:
    """Speak to models through LiteLLM.

    `base_url`: an OpenAI-compatible server for the models called `openai/NAME`; its key is
    `api_key`, else OPENAI_API_KEY. All other models are reached as LiteLLM knows them. `timeout`:
    until the first chunk and between two. `protocols`: how models call tools; those not named are
    found out. `stream` raises nothing but cancellation.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: timedelta = timedelta(seconds=120),
        protocols: Mapping[str, Protocol] | None = None,
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._timeout = timeout
        self._protocols: dict[str, Protocol] = dict(protocols or {})
        self._library = LazyLibrary()
        self._client = HttpClient()

    def warm_up(self) -> None:
        """Start to import LiteLLM in the background; it takes several seconds."""
        self._library.warm_up()

    async def context_tokens(self, model: str) -> int | None:
        """Return how large a model's context is, if LiteLLM knows it."""
        try:
            return (await self._library.get()).context_tokens(model)
        except ImportError:
            return None  # the first call will say so

    async def close(self) -> None:
        """Close all connections. Calls that are still running fail."""
        await self._client.close(self._library.loaded)

    async def stream(
        self, request: ModelRequest, cut: Cut
    ) -> AsyncGenerator[TextDelta | Reply | CallFailed, None]:
        """Make one attempt; see core.model.Model."""
        attempt, exchange = Attempt(request), None
        async with Waiter(cut) as waiter:
            try:
                exchange = await self._open(attempt, waiter)
                while chunks := await self._read(exchange, attempt, waiter):
                    if text := attempt.add(chunks):
                        yield TextDelta(text)
                end: Reply | CallFailed = attempt.reply()
            except WasCut:
                end = attempt.cut_off()
            except Exception as error:  # noqa: BLE001 - the port's promise: a failed call is a value
                end = self._failed(attempt, error)
            finally:
                if exchange is not None:
                    await exchange.close()
        if isinstance(end, Reply) and (text := attempt.unshown(end)):
            yield TextDelta(text)
        yield end

    async def _open(self, attempt: Attempt, waiter: Waiter) -> Exchange:
        """Send the prompt; once more as JSON in text when the model turns out to have no tools."""
        library = await waiter.first(self._library.get(), _IMPORT_PATIENCE)
        model = attempt.request.model
        attempt.begin(library, self._protocol(library, model))
        try:
            return await self._send(library, attempt, waiter)
        except Exception as error:
            if (
                attempt.protocol == "json"
                or not attempt.request.tools
                or not tools_unsupported(error)
            ):
                raise
        _log.info("tools_unsupported", extra={"action": "model_protocol", "model": model})
        self._protocols[model] = "json"
        attempt.begin(library, "json")
        return await self._send(library, attempt, waiter)

    async def _send(self, library: Library, attempt: Attempt, waiter: Waiter) -> Exchange:
        to = route(attempt.request.model, base_url=self._base_url, api_key=self._api_key)
        opening = open_exchange(
            library,
            self._client,
            to,
            prompt=attempt.prompt,
            max_tokens=attempt.request.max_output_tokens,
            patience=self._timeout,
        )
        attempt.accepted = True  # for all that we know when it is cut or silent
        try:
            return await waiter.first(opening, self._timeout)
        except (WasCut, Silence):
            raise
        except Exception:
            attempt.accepted = False
            raise

    async def _read(
        self, exchange: Exchange, attempt: Attempt, waiter: Waiter
    ) -> list[object] | None:
        """Return the next chunks. Trouble after the end of a reply is no trouble."""
        if not attempt.complete:
            return await waiter.first(exchange.read(), self._timeout)
        try:
            return await waiter.first(exchange.read(), min(_AFTER_THE_END, self._timeout))
        except WasCut:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it comes too late to matter
            return None

    def _protocol(self, library: Library, model: str) -> Protocol:
        if model not in self._protocols:
            self._protocols[model] = "json" if library.has_no_tools(model) else "native"
        return self._protocols[model]

    def _failed(self, attempt: Attempt, error: Exception) -> CallFailed:
        if isinstance(error, Silence):
            seconds = self._timeout.total_seconds()
            error = Unusable("timeout", f"The model was silent for {seconds:g} seconds.")
        to = route(attempt.request.model, base_url=self._base_url, api_key=self._api_key)
        return call_failed(
            error,
            secrets=[to.api_key] if to.api_key else [],
            now=datetime.now(UTC),
            usage=attempt.spent(),
        )
