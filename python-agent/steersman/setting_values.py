"""What the values of settings look like, and how they are read from text."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, cast

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from steersman.core.approvals import ApprovalPolicy


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _pairs(value: object) -> object:
    parts = _split(value)
    if not isinstance(value, str) or not isinstance(parts, tuple):
        return value
    pairs = [str(part).partition("=") for part in cast(tuple[str, ...], parts)]
    named = {name.strip(): policy.strip() for name, _, policy in pairs}
    # Of two values for one name nobody could say which was meant; a pair without a name is a slip.
    return named if len(named) == len(pairs) and "" not in named else None


def _with_scheme(*schemes: str) -> Callable[[SecretStr], SecretStr]:
    def check(url: SecretStr) -> SecretStr:
        if url.get_secret_value().partition("://")[0] not in schemes:
            raise ValueError
        return url

    return check


def _one_word(key: SecretStr) -> SecretStr:
    # It travels in a header.
    if re.fullmatch(r"[!-~]+", key.get_secret_value()) is None:
        raise ValueError
    return key


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


Folder = Annotated[Path, AfterValidator(_absolute)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Policies = Annotated[Mapping[str, ApprovalPolicy], BeforeValidator(_pairs)]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]")]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_with_scheme("postgresql", "postgres"))]
RedisUrl = Annotated[SecretStr, AfterValidator(_with_scheme("redis", "rediss", "unix"))]
AgentKey = Annotated[SecretStr, AfterValidator(_one_word)]
