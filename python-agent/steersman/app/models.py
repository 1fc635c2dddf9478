"""Which model a process talks to: the configured one through LiteLLM, or the recorded demo."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from steersman.adapters.scripted import ScriptedModel, demo_cassette, read_cassette
from steersman.core.model import Model
from steersman.core.roles import Team
from steersman.settings import Settings

DEFAULT_CONTEXT_TOKENS = 32_768
DEMO_MODEL = "demo"
SCRIPTED = "scripted/"
"""Before the path of a cassette: a model for rehearsals and tests of a whole deployment."""

DEMO_NOTE = (
    "No model is configured, so the demo model plays a recording. For a real one set "
    "STEERSMAN_MODEL (openai/NAME) and STEERSMAN_MODEL_BASE_URL."
)


async def _nothing() -> None:
    return None


def _is_warm() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The model port, the names to try in their order, and how to let it go.

    `context_tokens` asks for the size of a model's context; that may need LiteLLM's import, which
    `warm_up` begins in a thread of its own.
    """

    model: Model
    names: tuple[str, ...]
    context_tokens: Callable[[str], Awaitable[int]]
    close: Callable[[], Awaitable[None]] = _nothing
    warm_up: Callable[[], None] = _is_warm

    @property
    def note(self) -> str | None:
        """Say what a person should know of it."""
        return DEMO_NOTE if self.names == (DEMO_MODEL,) else None


def choose_model(settings: Settings, team: Team) -> ChosenModel:
    """Take the configured model, or the demo when neither a setting nor a role names one."""
    if settings.model is not None and settings.model.startswith(SCRIPTED):
        cassette = read_cassette(Path(settings.model.removeprefix(SCRIPTED)))
        model = ScriptedModel(cassette, delay=timedelta())
        return ChosenModel(model, (settings.model,), _fixed(settings))
    own = {role.model for role in team.roles.values() if role.model}
    if settings.model is None and not own:
        return ChosenModel(ScriptedModel(demo_cassette()), (DEMO_MODEL,), _fixed(settings))
    return _litellm(settings)


def _litellm(settings: Settings) -> ChosenModel:
    # Imported here: a process without a real model does not need the adapter.
    from steersman.adapters.litellm import LiteLLMModel  # noqa: PLC0415

    model = LiteLLMModel(
        base_url=settings.model_base_url,
        timeout=settings.model_timeout,
    )

    async def context_tokens(name: str) -> int:
        known = settings.context_tokens or await model.context_tokens(name)
        return known or DEFAULT_CONTEXT_TOKENS

    first = (settings.model,) if settings.model else ()
    names = (*first, *settings.model_fallbacks)
    return ChosenModel(model, names, context_tokens, model.close, model.warm_up)


def _fixed(settings: Settings) -> Callable[[str], Awaitable[int]]:
    async def context_tokens(_: str) -> int:
        return settings.context_tokens or DEFAULT_CONTEXT_TOKENS

    return context_tokens
