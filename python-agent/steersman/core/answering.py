"""Be the worker of a task for a moment: answer its inbox when nobody works on it.

So commands work with no worker up. The functions are those of the loop; only the claim differs.
"""

from contextlib import suppress

from steersman.core.errors import LeaseLost, LogUnreadable, StoreUnavailable
from steersman.core.ids import TaskId
from steersman.core.ledger import Ledger, restore
from steersman.core.runtime import Recording


async def answer_for_nobody(task_id: TaskId, recording: Recording) -> None:
    """Answer what stands in the task's inbox, unless a live worker holds it and will.

    Raises StoreUnavailable. However this ends, the task is handed back: a worker must not have to
    wait for the end of a process that only serves people.
    """
    journal = recording.journal
    claim = await journal.claim_for_command(task_id)
    if claim is None:
        return
    try:
        ledger = Ledger(claim, restore(await journal.history(task_id)), recording)
        await ledger.look()
        await ledger.record((), release=True)
    except LeaseLost:
        return  # a worker was quicker, and answers
    except LogUnreadable:
        await journal.release(claim)  # a worker of a later version answers
    except BaseException:
        with suppress(StoreUnavailable):
            await journal.release(claim)
        raise
