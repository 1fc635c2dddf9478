"""The file `.env`: where it may lie, and which of its variables are handed to the whole process.

Never the current directory of an installed program: whoever made that directory would choose the
sandbox, the approvals and where the model's key is sent.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

_PROVIDERS = re.compile(
    r"(?:ANTHROPIC|AWS|AZURE|COHERE|DATABRICKS|DEEPSEEK|GEMINI|GOOGLE|GROQ|HF|HOSTED_VLLM"
    r"|LANGSMITH|MISTRAL|OLLAMA|OPENAI|OPENROUTER|OTEL|VERTEX|VERTEXAI|WATSONX|XAI)_\w+"
    r"|\w+_API_(?:BASE|KEY|TOKEN|VERSION)"
)
"""Not PATH, LD_PRELOAD or HTTPS_PROXY: what changes how programs run belongs to who runs them."""


def place_of_dotenv(package: Path, environment: Mapping[str, str]) -> Path:
    """Return the checkout's `.env`, or the configuration home's where there is no checkout."""
    checkout = package.parents[1]
    if (checkout / "prompts").is_dir():
        return checkout / ".env"
    home = Path(environment.get("XDG_CONFIG_HOME", ""))
    # A relative one is to be ignored (XDG Base Directory Specification); here it must be.
    return (home if home.is_absolute() else Path("~/.config").expanduser()) / "steersman/.env"


def read_variables(path: Path) -> Mapping[str, str]:
    """Read the variables of a file; none when there is no file."""
    found = dotenv_values(path, interpolate=False)
    return {name: value for name, value in found.items() if value is not None}


def is_for_providers(name: str) -> bool:
    """Say whether a variable is one of a model's provider or of what traces are sent to."""
    return _PROVIDERS.fullmatch(name) is not None
