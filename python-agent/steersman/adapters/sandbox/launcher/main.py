"""The launcher's life: the order, the lock, the fence, the command, the record, the answer."""

import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from steersman.adapters.sandbox.launcher.guard import start_guard
from steersman.adapters.sandbox.launcher.order import Order, parse_order
from steersman.adapters.sandbox.launcher.outcome import BEGUN, Outcome, parse_outcome
from steersman.adapters.sandbox.launcher.processes import become_subreaper, come_first
from steersman.adapters.sandbox.launcher.spaces import look_at
from steersman.adapters.sandbox.launcher.state import (
    Lock,
    name_holders,
    open_lock,
    read_fence,
    try_lock,
    write_durably,
)
from steersman.adapters.sandbox.launcher.supervisor import Supervisor

_LIFELINE = 0
_CHUNK_BYTES = 65_536
_TRY_AGAIN_SECONDS = 0.02


def main() -> None:
    """Run one command for the agent at the other end of stdin."""
    # Whoever ends a whole group or a whole unit means the agent; we end when it ends.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    become_subreaper()
    come_first()
    order = _read_order()
    if order is None:
        return
    lock = open_lock(Path(order.state))
    outcome = _under_lock(order, lock)
    # Let go first: an agent that is frozen takes no answer, and others wait for the lock.
    lock.close()
    _say(outcome.to_json())
    os._exit(0)


def _say(answer: bytes) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _read_order() -> Order | None:
    received = b""
    while b"\n" not in received:
        chunk = os.read(_LIFELINE, _CHUNK_BYTES)
        if not chunk:
            return None
        received += chunk
    return parse_order(received.partition(b"\n")[0])  # what follows are beats


def _under_lock(order: Order, lock: Lock) -> Outcome:
    refusal = _wait_for(lock, order)
    if refusal is not None:
        return Outcome(order.action_id, None, refusal)
    state = Path(order.state)
    if read_fence(state) > order.fence:
        return Outcome(order.action_id, None, "fenced")
    record = Path(order.record)
    if record.exists():
        # It has run, and an unsafe action runs once.
        return parse_outcome(record.read_bytes())
    try:
        disk = look_at(Path(order.workspace))
    except OSError:
        return Outcome(order.action_id, None, "sandbox_failed")
    _say(BEGUN)
    guard = start_guard(order, lock)
    name_holders(state, order.fence, (os.getpid(), guard.pid))
    outcome = Supervisor(order, guard, _LIFELINE, disk=disk).run()
    name_holders(state, order.fence, ())
    with suppress(OSError):  # a full disk: the agent still gets the answer
        write_durably(record, outcome.to_json())
    return outcome


def _wait_for(lock: Lock, order: Order) -> str | None:
    """Take the lock; return why it could not be taken."""
    deadline = time.monotonic() + order.lock_seconds
    while not try_lock(lock):
        if time.monotonic() > deadline:
            return "workspace_busy"
        ready, _, _ = select.select((_LIFELINE,), (), (), _TRY_AGAIN_SECONDS)
        if ready and not os.read(_LIFELINE, _CHUNK_BYTES):
            return "agent_lost"
    return None
