"""A model that talks to the fake provider, and walls around both."""

import asyncio
import os
import re
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import timedelta

import pytest

from steersman.adapters.litellm import LiteLLMModel
from steersman.core.limits import Usage
from steersman.core.model import (
    CallFailed,
    ModelRequest,
    PromptMessage,
    Reply,
    SystemMessage,
    TextDelta,
    ToolSpecification,
    UserMessage,
)
from tests.agent.support.openai_server import OpenAIServer

KEY = "sk-test-0123456789abcdef"
REPORTED = Usage(input_tokens=100, output_tokens=20)
READ_FILE = ToolSpecification(
    "read_file",
    "Read a file.",
    {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)

NEEDS_LITELLM = [
    pytest.mark.slow,
    pytest.mark.timeout(240),  # the first one waits for the import, on a machine that may be busy
    # LiteLLM ignores these of pydantic's at its import; pytest forgets that for each test.
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier"),
    pytest.mark.filterwarnings("ignore:.*Accessing the.*attribute on the instance is deprecated"),
]
"""For tests that import LiteLLM, which takes seconds."""

_OF_PROVIDERS = re.compile(r"_API_KEY$|_API_BASE$|_BASE_URL$|^AWS_|^AZURE_|^VERTEX|_proxy$", re.I)

Items = list[TextDelta | Reply | CallFailed]
MakeModel = Callable[..., LiteLLMModel]


@pytest.fixture(autouse=True)
def _no_provider_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every key away and send all that is not loopback to a proxy that refuses."""
    for name in os.environ:
        if _OF_PROVIDERS.search(name):
            monkeypatch.delenv(name)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """A provider without a script yet."""
    with OpenAIServer() as running:
        yield running


@pytest.fixture
async def make_model() -> AsyncGenerator[MakeModel, None]:
    """Models that are closed after the test; nothing of theirs may be left running."""
    made: list[LiteLLMModel] = []

    def make(server: OpenAIServer | None, seconds: float = 10) -> LiteLLMModel:
        url = server.url if server else None
        made.append(LiteLLMModel(base_url=url, api_key=KEY, timeout=timedelta(seconds=seconds)))
        return made[-1]

    yield make
    for model in made:
        await model.close()
    ours = {asyncio.current_task()}
    if others := asyncio.all_tasks() - ours:
        await asyncio.wait(others, timeout=1)
    assert asyncio.all_tasks() - ours == set()


@pytest.fixture
def model(make_model: MakeModel, server: OpenAIServer) -> LiteLLMModel:
    """The usual case: `openai/…` on a server with a base URL."""
    return make_model(server)


def request(
    *messages: PromptMessage,
    model: str = "openai/test-model",
    tools: tuple[ToolSpecification, ...] = (READ_FILE,),
    max_output_tokens: int = 500,
) -> ModelRequest:
    prompt = messages or (SystemMessage("You are a test."), UserMessage("Go on."))
    return ModelRequest(model, prompt, tools, max_output_tokens)


async def play(
    model: LiteLLMModel, wanted: ModelRequest | None = None, cut: asyncio.Event | None = None
) -> Items:
    """Make one call and collect everything that it yields."""
    stream = model.stream(wanted or request(), cut or asyncio.Event())
    return [item async for item in stream]


async def happens(event: threading.Event) -> None:
    """Wait for something on the provider's side."""
    assert await asyncio.to_thread(event.wait, 30)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that nobody announces; the first call waits for the import, too."""
    async with asyncio.timeout(120):
        while not happened():  # noqa: ASYNC110 - it is in another thread
            await asyncio.sleep(0.005)


def texts(items: Items) -> list[str]:
    return [item.text for item in items if isinstance(item, TextDelta)]


def failure(items: Items) -> CallFailed:
    """Return the failure that a call ended in; there is one end, and it is the last item."""
    assert [type(item) for item in items if not isinstance(item, TextDelta)] == [CallFailed]
    assert isinstance(items[-1], CallFailed)
    return items[-1]


def reply(items: Items) -> Reply:
    assert [type(item) for item in items if not isinstance(item, TextDelta)] == [Reply], items[-1]
    assert isinstance(items[-1], Reply)
    return items[-1]
