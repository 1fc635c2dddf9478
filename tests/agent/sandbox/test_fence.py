"""One holder at a time: the lock, the fence, and the take-over of a workspace."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from steersman.adapters.sandbox.fence import raise_fence, take_over
from steersman.adapters.sandbox.launcher.state import open_lock, read_fence, try_lock
from steersman.adapters.sandbox.runner import Limits
from steersman.core.errors import FenceAhead, WorkspaceBusy
from tests.agent.sandbox.running import Kind, Marked, Place

pytestmark = pytest.mark.slow  # real processes, a tenth of a second each


def test_a_fence_only_rises(tmp_path: Path) -> None:
    state = tmp_path / "not" / "there" / "yet"
    for fence in (3, 2, 4, 4):
        raise_fence(state, fence)
    assert read_fence(state) == 4


def test_of_many_who_raise_a_fence_at_once_the_highest_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for raised in [pool.submit(raise_fence, tmp_path, 7 * n % 40) for n in range(1, 40)]:
            raised.result()
    assert read_fence(tmp_path) == 39


def test_a_fence_holds_when_who_raised_it_died_before_tidying_up(tmp_path: Path) -> None:
    raise_fence(tmp_path, 9)
    (tmp_path / "fences" / "10").touch()
    assert read_fence(tmp_path) == 10
    raise_fence(tmp_path, 11)
    assert [path.name for path in (tmp_path / "fences").iterdir()] == ["11"]


async def test_a_command_below_the_fence_is_refused(place: Place) -> None:
    raise_fence(place.state, 2)
    refused = await place.run("touch refused", fence=1)
    allowed = await place.run("touch allowed", fence=2)
    assert (refused.ended_by, allowed.ended_by) == ("fenced", None)
    assert [path.name for path in place.directory.iterdir()] == ["allowed"]


async def test_raising_the_fence_ends_what_runs_below_it(place: Place) -> None:
    left = Marked()
    async with place.running(f"echo begun; touch started; setsid {left.sleep} & wait") as task:
        raise_fence(place.state, 1)
        result = await task
        assert (result.ended_by, result.output) == ("fenced", "begun\n")
        assert not left.alive()


async def test_a_take_over_returns_when_nothing_of_the_old_holder_runs(place: Place) -> None:
    left = Marked()
    async with place.running(f"touch started; setsid {left.sleep} & wait"):
        await take_over(place.state, 1)
        assert not left.alive()


async def test_a_take_over_of_a_quiet_workspace_is_immediate(place: Place) -> None:
    await take_over(place.state, 1, patience=timedelta())
    assert (await place.run("echo mine", fence=1)).output == "mine\n"


@pytest.mark.parametrize("frozen", [(0,), (0, 1)], ids=["launcher", "launcher and guard"])
async def test_a_take_over_ends_supervisors_that_are_frozen(
    place: Place, frozen: tuple[int, ...]
) -> None:
    left = Marked()
    async with place.running(f"touch started; setsid {left.sleep} & wait"):
        supervisors = place.supervisors()
        for which in frozen:
            os.kill(supervisors[which], signal.SIGSTOP)
        await take_over(place.state, 1)
        assert not left.alive()


async def test_who_comes_late_leaves_the_new_holder_alone(place: Place) -> None:
    raise_fence(place.state, 2)
    async with place.running("touch started; sleep 300", fence=2) as task:
        with pytest.raises(FenceAhead) as found:
            await take_over(place.state, 1)
        assert found.value.fence == 2
        with pytest.raises(WorkspaceBusy):
            await take_over(place.state, 2, patience=timedelta(seconds=1.5))
        assert not task.done()


async def test_a_take_over_gives_up_when_the_holder_is_out_of_reach(tmp_path: Path) -> None:
    held = open_lock(tmp_path)
    assert try_lock(held)
    with pytest.raises(WorkspaceBusy):
        await take_over(tmp_path, 1, patience=timedelta(milliseconds=50))
    held.close()


async def test_the_next_command_of_a_workspace_waits_for_the_one_before(place: Place) -> None:
    go = place.directory / "go"
    async with place.running("touch started; while [ ! -e go ]; do sleep 0.01; done; echo 1 > n"):
        second = asyncio.create_task(place.run("cat n"))
        go.touch()
        assert (await second).output == "1\n"


async def test_it_does_not_wait_for_ever(place: Place) -> None:
    async with place.running("touch started; sleep 300"):
        impatient = Limits(lock_wait=timedelta(milliseconds=100))
        result = await place.run("touch second", limits=impatient)
        assert result.ended_by == "workspace_busy"
        assert not (place.directory / "second").exists()


async def test_a_command_can_be_cancelled_while_it_waits(place: Place) -> None:
    async with place.running("touch started; sleep 300") as first:
        second = asyncio.create_task(place.run("touch second"))
        await asyncio.wait((second,), timeout=0.1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert not first.done()


_UNLOCK = """python3 - 2> /dev/null <<'end'
import ctypes, fcntl, os
first = os.pidfd_open(1)
for number in range(3, 8):
    taken = ctypes.CDLL(None).syscall(438, first, number, 0)
    if taken >= 0:
        fcntl.flock(taken, fcntl.LOCK_UN)
        os.ftruncate(taken, 0)
        os.write(taken, b"[0, []]")
opened = [os.open(f"/proc/1/fd/{number}", os.O_RDWR) for number in os.listdir("/proc/1/fd")]
for file in opened:
    os.ftruncate(file, 0)
    os.write(file, b"[0, []]")
end
"""


@pytest.mark.parametrize("kind", ["bwrap", "unfiltered"])
async def test_a_command_that_unlocks_what_it_can_is_still_ended_by_a_take_over(
    sandbox: Place, kind: Kind
) -> None:
    place, left = Place(sandbox.root, kind), Marked()
    async with place.running(f"{_UNLOCK} touch started; setsid {left.sleep} & wait"):
        os.kill(place.supervisors()[0], signal.SIGSTOP)
        await take_over(place.state, 1)
        assert not left.alive()


async def test_a_command_in_bubblewrap_cannot_unlock_its_workspace(sandbox: Place) -> None:
    result = await sandbox.run("for fd in /proc/self/fd/*; do readlink $fd; done")
    places = [line.partition(":")[0] for line in result.output.splitlines()]
    assert [place for place in places if not place.startswith("/proc/")] == [
        "/dev/null",
        "pipe",
        "pipe",
    ]
