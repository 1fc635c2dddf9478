"""How a state comes back from the store, and how commands are noticed without a hint."""

import asyncio

import pytest

from steersman.adapters.in_memory import InMemoryHints
from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.commands import StopTask
from steersman.core.fold import fold
from steersman.core.ids import WorkerId
from steersman.core.interruption import Interruption, Shutdown
from steersman.core.ledger import Ledger, restore
from steersman.core.limits import Usage
from steersman.core.ports import StoredHistory
from tests.agent.core.making import (
    TickingClock,
    action,
    asked,
    began,
    call_failed,
    claimed,
    failed,
    log,
    new_task,
    posting,
    said,
    succeeded,
    thought,
)
from tests.agent.core.playing import PlayedModel, Stage

USAGE = Usage(input_tokens=10, output_tokens=1)
STORY = log(
    claimed(),
    thought(action("a"), action("b", "run"), usage=USAGE),
    failed("a"),
    began("b"),
    succeeded("b", tool="run"),
    call_failed("timeout", input_tokens=3),
    claimed(2),
    thought(usage=USAGE, step=2),
    said(),
    thought(action("c", "ask_user"), step=3, usage=USAGE),
    asked("c"),
)


@pytest.mark.parametrize("at", range(1, len(STORY) + 1))
def test_a_checkpoint_and_the_rest_of_the_log_are_the_whole_of_it(at: int) -> None:
    checkpoint = fold(STORY[:at]).model_dump(mode="json")
    shown_from = max(at - 3, 0)  # prompts show some events that the checkpoint holds already
    assert restore(StoredHistory(checkpoint, at, tuple(STORY[shown_from:]))) == fold(STORY)


async def test_the_inbox_is_read_each_second_also_when_no_hint_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, worker_id = TickingClock(), WorkerId("worker-1")
    tasks = InMemoryTaskLog(clock)
    made = new_task(clock)
    await tasks.submit(made)
    journal = InMemoryJournal(tasks, worker_id)
    claim = await journal.claim(("developer",))
    assert claim is not None
    recording = Stage(PlayedModel(), clock=clock).recording(journal)
    ledger = Ledger(claim, restore(await journal.history(claim.task_id)), recording)
    with Interruption(ledger, InMemoryHints(), Shutdown()) as interruption:
        await tasks.post(posting(claim.task_id, StopTask()))
        assert not await interruption.commands_wait()
        loop = asyncio.get_running_loop()
        later = loop.time() + 1.0
        monkeypatch.setattr(loop, "time", lambda: later)
        assert await interruption.commands_wait()
