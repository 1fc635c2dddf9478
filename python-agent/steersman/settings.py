"""Every setting of a process: environment variables with STEERSMAN_ before them, and a `.env`.

The environment wins over `.env`, which wins over the default. A mistake is a ConfigurationError of
one line that names the variable and what was expected. Plain pydantic, because the import of
pydantic-settings costs each command 0.2 s and does not tell where a value came from.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from steersman.adapters.dotenv_file import is_for_providers, place_of_dotenv, read_variables
from steersman.core.approvals import ApprovalPolicy
from steersman.core.errors import ConfigurationError
from steersman.setting_values import (
    AgentKey,
    DatabaseUrl,
    Folder,
    HttpUrl,
    Names,
    Policies,
    RedisUrl,
)

PREFIX = "STEERSMAN_"
Source = Literal["default", "environment", ".env"]

OTHER_VARIABLES = frozenset({f"{PREFIX}DEBUG", f"{PREFIX}FAILPOINT"})
"""Variables with our prefix that are not settings."""

_PLAIN_PORT = "PORT"
_PACKAGE = Path(__file__).resolve().parent


def default_prompts() -> Path:
    """Return the checkout's `prompts/`, or where the installed package has them."""
    checkout = _PACKAGE.parents[1] / "prompts"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share/steersman/prompts"


def _default_workspaces(values: Mapping[str, Path]) -> Path:
    return values["home"] / "workspaces"


class Settings(BaseModel):
    """What docs/contract.md lists. A description says what is expected; `None` means not set."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    home: Folder = Field(
        default=Path("~/.local/share/steersman"), validate_default=True, description="a directory"
    )
    workspaces: Folder = Field(default_factory=_default_workspaces, description="a directory")
    database_url: DatabaseUrl | None = Field(
        default=None, description="postgresql://user@host/database"
    )
    redis_url: RedisUrl | None = Field(
        default=None, description="redis://host:port, rediss:// or unix://"
    )
    model: str | None = Field(default=None, description="a LiteLLM model, such as openai/NAME")
    model_base_url: HttpUrl | None = Field(default=None, description="http://host or https://host")
    model_fallbacks: Names = Field(default=(), description="models, separated by commas")
    model_timeout_seconds: float = Field(
        default=120, gt=0, le=3600, description="a number of seconds above 0, 3600 at most"
    )
    model_max_output_tokens: int = Field(
        default=8192, ge=16, le=1_000_000, description="a whole number of tokens, 16 or more"
    )
    context_tokens: int | None = Field(
        default=None, ge=4096, le=10_000_000, description="a whole number of tokens, 4096 or more"
    )
    roles: Names = Field(default=(), description="roles, separated by commas; empty for all")
    default_role: str = Field(default="developer", min_length=1, description="a role")
    concurrency: int = Field(default=4, ge=1, le=256, description="a whole number from 1 to 256")
    host: str = Field(default="127.0.0.1", min_length=1, description="an address to listen on")
    port: int = Field(default=8000, ge=0, le=65_535, description="a port from 0 to 65535")
    api_token: SecretStr | None = Field(default=None, description="a secret text")
    gateway_url: HttpUrl | None = Field(default=None, description="http://host or https://host")
    agent_key: AgentKey | None = Field(
        default=None, description="a key that the gateway knows, without spaces"
    )
    sandbox: Literal["bwrap", "none"] = Field(default="bwrap", description="bwrap or none")
    approvals: Policies = Field(
        default_factory=dict[str, ApprovalPolicy],
        description="tool=always, =on_change or =never, separated by commas; * is every tool",
    )
    approval_ttl_seconds: float = Field(
        default=1800, ge=1, le=7 * 86_400, description="a number of seconds from 1 to 604800"
    )
    lease_seconds: float = Field(
        default=15, ge=1, le=600, description="a number of seconds from 1 to 600"
    )
    grace_seconds: float = Field(
        default=20, ge=0, le=3600, description="a number of seconds from 0 to 3600"
    )
    prompts: Folder = Field(default_factory=default_prompts, description="a folder with roles.toml")
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto, json or text"
    )
    url: HttpUrl | None = Field(default=None, description="http://host or https://host")

    @property
    def model_timeout(self) -> timedelta:
        """The longest silence between two chunks of a model's reply."""
        return timedelta(seconds=self.model_timeout_seconds)

    @property
    def approval_ttl(self) -> timedelta:
        """How long an approval waits for a decision before it is denied."""
        return timedelta(seconds=self.approval_ttl_seconds)

    @property
    def lease(self) -> timedelta:
        """How long a process may be silent before others take its tasks."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def grace(self) -> timedelta:
        """How long running tools may go on after SIGTERM."""
        return timedelta(seconds=self.grace_seconds)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings and where each came from. `unknown` are variables meant for us nobody reads.

    `provider_variables` are those of `.env` that others read, such as a provider's key.
    """

    settings: Settings
    sources: Mapping[str, Source]
    unknown: tuple[str, ...]
    provider_variables: Mapping[str, str]


def load_settings() -> Settings:
    """Read the settings of this process and let it see the providers' variables of `.env`."""
    configuration = configure(os.environ, read_dotenv())
    for name, value in configuration.provider_variables.items():
        os.environ.setdefault(name, value)
    return configuration.settings


def configure(environment: Mapping[str, str], dotenv: Mapping[str, str]) -> Configuration:
    """Put settings together from the two places that they come from. An empty value is none."""
    given: dict[str, str] = {}
    sources: dict[str, Source] = {}
    places: tuple[tuple[Source, Mapping[str, str]], ...] = (
        ("environment", environment),
        (".env", dotenv),
    )
    for name in Settings.model_fields:
        sources[name] = "default"
        for source, place in places:
            if value := _lookup(name, place):
                given[name], sources[name] = value, source
                break
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        mistakes = [_mistake(details, sources) for details in error.errors(include_url=False)]
        raise ConfigurationError("; ".join(dict.fromkeys(mistakes))) from None
    require_whole_gateway(settings)
    known = {variable(name) for name in Settings.model_fields} | OTHER_VARIABLES
    others = {name: value for name, value in dotenv.items() if is_for_providers(name)}
    ours = {name for name in environment if name.startswith(PREFIX)}
    unknown = (ours | dotenv.keys()) - known - others.keys() - {_PLAIN_PORT}
    return Configuration(settings, sources, tuple(sorted(unknown)), others)


def read_dotenv() -> Mapping[str, str]:
    """Read the `.env` of the checkout, or of the configuration home when there is no checkout."""
    return read_variables(place_of_dotenv(_PACKAGE, os.environ))


def variable(field: str) -> str:
    """Return the name of the environment variable of a setting."""
    return PREFIX + field.upper()


def require_safe_address(settings: Settings) -> None:
    """Raise ConfigurationError unless the server is only for this machine or asks for tokens."""
    has_tokens = settings.api_token is not None or settings.gateway_url is not None
    if not has_tokens and not _is_loopback(settings.host):
        raise ConfigurationError(
            f"STEERSMAN_HOST={settings.host}: without STEERSMAN_API_TOKEN only this machine may"
            " connect; set a token or use 127.0.0.1"
        )


def require_whole_gateway(settings: Settings) -> None:
    """Raise ConfigurationError when a gateway is named that the agent could not speak to."""
    if (settings.gateway_url is None) != (settings.agent_key is None):
        missing = "agent_key" if settings.agent_key is None else "gateway_url"
        given = "gateway_url" if missing == "agent_key" else "agent_key"
        raise ConfigurationError(
            f"{variable(given)} is set and {variable(missing)} is not; the gateway needs both"
        )


def _lookup(field: str, place: Mapping[str, str]) -> str | None:
    value = place.get(variable(field))
    # Hosting platforms say by a plain PORT where they expect a process to listen.
    return value or (place.get(_PLAIN_PORT) if field == "port" else None)


def _mistake(details: ErrorDetails, sources: Mapping[str, Source]) -> str:
    name = str(details["loc"][0])
    expected = Settings.model_fields[name].description
    return f"{variable(name)} (from {sources[name]}): expected {expected}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
