"""Where settings come from, and what a wrong one says."""

from datetime import timedelta
from pathlib import Path

import pytest

from steersman.core.errors import ConfigurationError
from steersman.settings import Settings, configure, require_safe_address

TTL = "a number of seconds from 1 to 604800"
POLICIES = "tool=always, =on_change or =never, separated by commas; * is every tool"
NO_POLICIES = (
    "run",
    "run=",
    "=always",
    "run=Always",
    "run==always",
    "run=always;write=never",
    "run=sometimes,write=perhaps",
    "run=always,run=never",
)


def test_without_any_variable_the_defaults_hold() -> None:
    configuration = configure({}, {})
    settings = configuration.settings
    assert settings == Settings()
    assert settings.home == Path("~/.local/share/steersman").expanduser()
    assert settings.workspaces == settings.home / "workspaces"
    assert (settings.prompts / "roles.toml").is_file()
    assert settings.model_timeout == timedelta(seconds=120)
    assert set(configuration.sources.values()) == {"default"}


def test_the_environment_wins_over_dotenv() -> None:
    configuration = configure(
        {"STEERSMAN_MODEL": "openai/a", "STEERSMAN_HOME": "/tmp/home"},
        {"STEERSMAN_MODEL": "openai/b", "STEERSMAN_CONCURRENCY": "2", "OPENAI_API_KEY": "k"},
    )
    expected = Settings(
        model="openai/a",
        home=Path("/tmp/home"),
        workspaces=Path("/tmp/home/workspaces"),
        concurrency=2,
    )
    assert configuration.settings == expected
    sources = {k: v for k, v in configuration.sources.items() if v != "default"}
    assert sources == {"model": "environment", "home": "environment", "concurrency": ".env"}
    assert configuration.provider_variables == {"OPENAI_API_KEY": "k"}


def test_an_empty_variable_is_none() -> None:
    environment = {"STEERSMAN_MODEL": "", "STEERSMAN_PORT": ""}
    assert configure(environment, {"STEERSMAN_MODEL": ""}).settings == Settings()


def test_names_are_separated_by_commas() -> None:
    settings = configure({"STEERSMAN_MODEL_FALLBACKS": "openai/a, openai/b,"}, {}).settings
    assert settings.model_fallbacks == ("openai/a", "openai/b")


def test_policies_are_pairs_with_spaces_where_people_put_them() -> None:
    environment = {
        "STEERSMAN_APPROVALS": " *=never , run = always,write=on_change,",
        "STEERSMAN_APPROVAL_TTL_SECONDS": "90",
    }
    settings = configure(environment, {}).settings
    assert settings.approvals == {"*": "never", "run": "always", "write": "on_change"}
    assert settings.approval_ttl == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("environment", "port"),
    [({"PORT": "81"}, 81), ({"PORT": "81", "STEERSMAN_PORT": "82"}, 82), ({}, 8000)],
)
def test_a_plain_port_is_read_too(environment: dict[str, str], port: int) -> None:
    assert configure(environment, {}).settings.port == port


def test_variables_that_nobody_reads_are_told() -> None:
    environment = {"STEERSMAN_MODLE": "x", "STEERSMAN_DEBUG": "1", "OTHER": "y"}
    assert configure(environment, {"STEERSMAN_URI": "z"}).unknown == (
        "STEERSMAN_MODLE",
        "STEERSMAN_URI",
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CONCURRENCY", "many", "a whole number from 1 to 256"),
        ("CONCURRENCY", "0", "a whole number from 1 to 256"),
        ("PORT", "99999", "a port from 0 to 65535"),
        ("SANDBOX", "docker", "bwrap or none"),
        ("LOG_FORMAT", "xml", "auto, json or text"),
        ("MODEL_BASE_URL", "localhost:1", "http://host or https://host"),
        ("URL", "ftp://host", "http://host or https://host"),
        ("DATABASE_URL", "mysql://me:secret@host/x", "postgresql://user@host/database"),
        ("GATEWAY_URL", "gateway:8080", "http://host or https://host"),
        ("AGENT_KEY", "two words", "a key that the gateway knows, without spaces"),
        ("AGENT_KEY", "a\r\nX-Y: z", "a key that the gateway knows, without spaces"),
        ("REDIS_URL", "host:6379", "redis://host:port, rediss:// or unix://"),
        ("LEASE_SECONDS", "nan", "a number of seconds from 1 to 600"),
        *[("APPROVAL_TTL_SECONDS", value, TTL) for value in ("0", "604801", "nan", "inf", "soon")],
        *[("APPROVALS", value, POLICIES) for value in NO_POLICIES],
    ],
)
def test_a_wrong_value_names_variable_source_and_expectation(
    name: str, value: str, expected: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure({}, {f"STEERSMAN_{name}": value})
    assert str(caught.value) == f"STEERSMAN_{name} (from .env): expected {expected}"


def test_all_mistakes_are_told_on_one_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure({"STEERSMAN_SANDBOX": "x", "STEERSMAN_PORT": "y"}, {})
    assert str(caught.value) == (
        "STEERSMAN_PORT (from environment): expected a port from 0 to 65535; "
        "STEERSMAN_SANDBOX (from environment): expected bwrap or none"
    )


def test_a_gateway_needs_its_address_and_a_key() -> None:
    url, key = {"STEERSMAN_GATEWAY_URL": "http://gateway:8080"}, {"STEERSMAN_AGENT_KEY": "k3y"}
    settings = configure(url, key).settings
    assert settings.gateway_url == "http://gateway:8080"
    assert settings.agent_key is not None
    assert settings.agent_key.get_secret_value() == "k3y"
    for given, missing in ((url, "AGENT_KEY"), (key, "GATEWAY_URL")):
        with pytest.raises(ConfigurationError, match=f"STEERSMAN_{missing} is not; the gateway"):
            configure(given, {})


def test_secrets_do_not_show() -> None:
    environment = {
        "STEERSMAN_API_TOKEN": "hunter2",
        "STEERSMAN_AGENT_KEY": "hunter2",
        "STEERSMAN_GATEWAY_URL": "http://gateway",
        "STEERSMAN_DATABASE_URL": "postgresql://me:hunter2@host/db",
    }
    assert "hunter2" not in repr(configure(environment, {}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_without_a_token_this_machine_may_connect(host: str) -> None:
    require_safe_address(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org"])
def test_without_a_token_nobody_else_may(host: str) -> None:
    with pytest.raises(ConfigurationError, match="STEERSMAN_API_TOKEN"):
        require_safe_address(Settings(host=host))
    configuration = configure({"STEERSMAN_API_TOKEN": "t", "STEERSMAN_HOST": host}, {})
    require_safe_address(configuration.settings)
    gateway = {"STEERSMAN_GATEWAY_URL": "http://gateway", "STEERSMAN_AGENT_KEY": "k"}
    require_safe_address(configure({**gateway, "STEERSMAN_HOST": host}, {}).settings)
