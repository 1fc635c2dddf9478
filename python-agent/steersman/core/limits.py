"""What a task may spend, and what it has spent."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from steersman.core.errors import Invalid

LIMIT_MESSAGES = {
    "max_steps": "The task used all of its steps.",
    "max_tokens": "The task used all of its tokens.",
    "max_cost": "The task used all of its money.",
    "max_seconds": "The task used all of its time.",
}


class Limits(BaseModel):
    """Bounds of one task and all that it delegates.

    `max_seconds` is time held by a worker; waiting is free. `max_children` counts those that ended
    too; below a task `max_depth` levels may follow.

    Whoever asks for a limit that does not exist is told so: unknown ones are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_steps: int = Field(default=50, ge=1, le=10_000)
    max_tokens: int | None = Field(default=None, ge=1)
    max_cost_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_seconds: float = Field(default=3600, gt=0, le=7 * 86_400, allow_inf_nan=False)
    max_children: int = Field(default=8, ge=0, le=100)
    max_depth: int = Field(default=3, ge=0, le=10)


def _known_limits(value: object) -> object:
    if not isinstance(value, dict):
        return value
    limits = cast(dict[str, Any], value)
    return {name: limit for name, limit in limits.items() if name in Limits.model_fields}


RecordedLimits = Annotated[Limits, BeforeValidator(_known_limits)]
"""Limits as the log holds them: readers ignore those that a newer version has added."""


class Usage(BaseModel):
    """What one model call used. `estimated` when the provider did not say."""

    model_config = ConfigDict(frozen=True)

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    estimated: bool = False


class Spent(BaseModel):
    """The sum over a task's log."""

    model_config = ConfigDict(frozen=True)

    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0

    def plus(self, usage: Usage) -> "Spent":
        """Add one model call."""
        return self.model_copy(
            update={
                "input_tokens": self.input_tokens + usage.input_tokens,
                "output_tokens": self.output_tokens + usage.output_tokens,
                "cost_usd": round(self.cost_usd + usage.cost_usd, 9),
            }
        )

    def plus_child(self, child: "Spent") -> "Spent":
        """Add what a child has spent, its own children's included."""
        return Spent(
            steps=self.steps + child.steps,
            input_tokens=self.input_tokens + child.input_tokens,
            output_tokens=self.output_tokens + child.output_tokens,
            cost_usd=round(self.cost_usd + child.cost_usd, 9),
            seconds=round(self.seconds + child.seconds, 3),
        )


def wished_limits(role: Limits, wished: Mapping[str, Any]) -> Limits:
    """Return the role's limits with those that somebody wished for. Raises Invalid."""
    try:
        return Limits.model_validate({**role.model_dump(), **wished})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"limits.{where}: {first['msg']}") from None


def exceeded(limits: Limits, spent: Spent) -> str | None:
    """Name the limit that is used up, as the code of the failure, or return None."""
    if spent.steps >= limits.max_steps:
        return "max_steps"
    if limits.max_tokens is not None and tokens(spent) >= limits.max_tokens:
        return "max_tokens"
    if limits.max_cost_usd is not None and spent.cost_usd >= limits.max_cost_usd:
        return "max_cost"
    if spent.seconds >= limits.max_seconds:
        return "max_seconds"
    return None


def tokens(spent: Spent) -> int:
    """Return how many tokens were used, of both kinds."""
    return spent.input_tokens + spent.output_tokens
