"""A person's numbers: what goes on is counted, what was used today is the sum over today's log."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from steersman.adapters.postgres.overview import PostgresNumbers
from steersman.core.events import Event, ModelCallFailed, TaskCompleted, ThoughtRecorded
from steersman.core.ids import OwnerId
from steersman.core.limits import Usage
from steersman.core.overview import SPENDING_EVENTS, Numbers
from steersman.core.ports import Claim, Decision
from tests.agent.postgres.making import CLOCK, ME, Store, claimed, decision, opened, submitted

NOTHING = Numbers(0, 0, 0, 0, 0, 0, 0.0)


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


@pytest.fixture
def numbers(store: Store) -> PostgresNumbers:
    return PostgresNumbers(store.pool)


def thought(tokens: int) -> ThoughtRecorded:
    usage = Usage(input_tokens=tokens, output_tokens=1, cost_usd=tokens / 1000)
    return ThoughtRecorded(step=1, text="", model="m", usage=usage, duration_ms=1)


def failed(tokens: int) -> ModelCallFailed:
    return ModelCallFailed(step=1, code="timeout", message="", usage=Usage(input_tokens=tokens))


def at(made: Decision, when: datetime) -> Decision:
    return replace(made, envelopes=tuple(replace(each, at=when) for each in made.envelopes))


async def commit(store: Store, claim: Claim, *events: Event, **values: object) -> int:
    """Commit with the sum that the loop would write, for logs that begin with these events."""
    used = [each.usage for each in events if isinstance(each, ThoughtRecorded | ModelCallFailed)]
    spent = {
        "input_tokens": sum(usage.input_tokens for usage in used),
        "output_tokens": sum(usage.output_tokens for usage in used),
        "cost_usd": sum(usage.cost_usd for usage in used),
    }
    made = decision(claim, *events, **values)  # pyright: ignore[reportArgumentType]
    return await store.journal().commit(replace(made, spent=spent))


async def test_a_person_without_tasks_has_nothing(store: Store, numbers: PostgresNumbers) -> None:
    await claimed(store)
    assert await numbers.numbers(OwnerId("somebody"), midnight()) == NOTHING


async def test_tasks_that_go_on_are_counted_by_state(
    store: Store, numbers: PostgresNumbers
) -> None:
    ended = await claimed(store)
    await commit(store, ended, TaskCompleted(result=""), state="completed", final=True)
    await commit(store, await claimed(store), state="running", due_at=None)
    await commit(store, await claimed(store), state="waiting", due_at=None)
    await submitted(store)
    found = await numbers.numbers(ME, midnight())
    assert (found.queued, found.running, found.waiting) == (1, 1, 1)


async def test_a_task_of_today_has_its_sum_in_its_row(
    store: Store, numbers: PostgresNumbers
) -> None:
    claim = await claimed(store)
    await commit(store, claim, thought(400), failed(20), state="running")
    found = await numbers.numbers(ME, midnight())
    assert (found.input_tokens, found.output_tokens, found.cost_usd) == (420, 1, 0.4)


@pytest.mark.parametrize("ends", [False, True])
async def test_of_an_older_task_todays_part_of_its_log_counts(
    store: Store, numbers: PostgresNumbers, *, ends: bool
) -> None:
    claim = await claimed(store)
    await store.pool.fetch("UPDATE tasks SET created_at = now() - interval '2 days'")
    await store.pool.fetch("UPDATE conversations SET updated_at = now() - interval '2 days'")
    yesterday = at(decision(claim, thought(1000)), midnight() - timedelta(milliseconds=1))
    await store.journal().commit(yesterday)
    version = yesterday.envelopes[-1].seq
    end = (TaskCompleted(result=""),) if ends else ()
    state = "completed" if ends else "running"
    today = decision(claim, thought(50), failed(7), *end, version=version, state=state, final=ends)
    await store.journal().commit(today)
    found = await numbers.numbers(ME, midnight())
    assert (found.input_tokens, found.output_tokens, found.cost_usd) == (57, 1, 0.05)


async def test_an_approval_that_nobody_can_decide_any_more_is_not_pending(
    store: Store, numbers: PostgresNumbers
) -> None:
    claim = await claimed(store)
    for minutes, state in ((5, "pending"), (-5, "pending"), (5, "rejected")):
        await store.pool.fetch(
            "INSERT INTO approvals (id, task_id, root_id, owner_id, role, tool, arguments,"
            " arguments_sha256, reason, state, requested_at, expires_at)"
            " VALUES (gen_random_uuid(), $1, $1, $2, 'developer', 'x', '{}', '', '', $3, now(),"
            " now() + make_interval(mins => $4))",
            UUID(claim.task_id),
            ME,
            state,
            minutes,
        )
    assert (await numbers.numbers(ME, midnight())).pending_approvals == 1


def test_every_event_with_a_usage_is_summed() -> None:
    assert set(SPENDING_EVENTS) == {"thought_recorded", "model_call_failed", "context_compacted"}


def midnight() -> datetime:
    return datetime.combine(CLOCK.now().date(), datetime.min.time(), UTC)
