"""LiteLLM itself: imported once, in a thread of its own, because that takes seconds.

What it knows of models is asked by name from its own table; nothing here uses the network.
"""

import asyncio
import gc
import importlib
import logging
import os
import threading
from dataclasses import dataclass
from typing import Any, cast

from steersman.core.events import JsonObject
from steersman.core.limits import Usage

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Library:
    """The imported package. `package` is Any: it is untyped where we use it."""

    package: Any

    def known(self, model: str) -> JsonObject:
        """Return what the table holds of a model, with or without its provider, or nothing."""
        table = cast(dict[str, JsonObject], self.package.model_cost)
        return table.get(model) or table.get(model.partition("/")[2]) or {}

    def has_no_tools(self, model: str) -> bool:
        """Say whether the table tells that a model cannot call tools; unknown ones can."""
        return self.known(model).get("supports_function_calling") is False

    def context_tokens(self, model: str) -> int | None:
        """Return how many tokens a prompt of this model may have, if that is known."""
        size = self.known(model).get("max_input_tokens")
        return size if isinstance(size, int) and size > 0 else None

    def priced(self, model: str, usage: Usage) -> Usage:
        """Add what a call cost; zero for models without a known price."""
        known = self.known(model)
        if not known.get("input_cost_per_token") and not known.get("output_cost_per_token"):
            return usage
        name = model if model in self.package.model_cost else model.partition("/")[2]
        try:
            costs = self.package.cost_per_token(
                model=name,
                custom_llm_provider=known.get("litellm_provider"),
                prompt_tokens=usage.input_tokens,
                completion_tokens=usage.output_tokens,
                cache_read_input_tokens=usage.cached_tokens,
            )
        except Exception:  # noqa: BLE001 - a price that cannot be told must not lose the reply
            _log.debug("price_unknown", extra={"model": model})
            return usage
        return usage.model_copy(update={"cost_usd": round(float(sum(costs)), 9)})


class LazyLibrary:
    """Import LiteLLM when it is first wanted, or before, in the background."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._library: Library | None = None
        self._error: BaseException | None = None

    def warm_up(self) -> None:
        """Start the import; it is not waited for, nor does it keep a process from ending."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._load, name="import-litellm", daemon=True)
            self._thread.start()

    async def get(self) -> Library:
        """Return the library once it is there. Raises what its import raised."""
        self.warm_up()
        # Looked for rather than told: the thread may outlive the event loop that asked.
        while self._library is None and self._error is None:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
        if self._library is None:
            raise ImportError("LiteLLM cannot be imported.") from self._error
        return self._library

    @property
    def loaded(self) -> Library | None:
        """Return the library if it is there already."""
        return self._library

    def _load(self) -> None:
        # Both are read at import: without the first it asks the network for prices, without the
        # second it loads the `.env` of the current directory, whoever's that is.
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
        # Its quarter of a million objects stay for good: collections look at them neither now nor
        # later, which would stop everything for a tenth of a second and more each time.
        gc.disable()
        try:
            package = importlib.import_module("litellm")
            _quieten(package)
            # What the first call would import by itself, for no use of ours: another second.
            importlib.import_module("litellm.responses.mcp.chat_completions_handler")
            _ = package.encoding
            self._library = Library(package)
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks, in their thread
            self._error = error
        finally:
            gc.freeze()
            gc.enable()


def _quieten(package: Any) -> None:
    """Leave printing and log handlers to us."""
    package.suppress_debug_info = True
    package.disable_streaming_logging = True
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logger.level, logging.WARNING))  # its INFO is a line for each call
