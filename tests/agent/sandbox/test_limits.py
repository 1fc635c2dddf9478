"""Limits that end a command, and those that it only feels."""

import os
import resource
from pathlib import Path

import pytest

from steersman.adapters.sandbox.launcher.spaces import Disk, fills
from steersman.adapters.sandbox.runner import Limits
from tests.agent.sandbox.running import Marked, Place

pytestmark = pytest.mark.slow  # real processes, a tenth of a second each

_MIB = 1024 * 1024
_GIB = 1024 * _MIB


async def test_time_is_up_for_a_command_that_ignores_sigterm(place: Place) -> None:
    left = Marked()
    command = f"trap '' TERM INT HUP; echo begun; while true; do {left.sleep}; done"
    result = await place.run(command, seconds=0.2)
    assert (result.ended_by, result.output, result.exit_code) == ("timeout", "begun\n", None)
    assert not left.alive()


async def test_a_flood_of_output_is_ended(place: Place) -> None:
    result = await place.run("yes", limits=Limits(output_bytes=_MIB, kept_bytes=1000))
    assert result.ended_by == "output_limit"
    assert _MIB < result.output_bytes < 2 * _MIB
    assert result.output.startswith("y\ny\n")


async def test_a_memory_hog_is_ended(place: Place) -> None:
    limits = Limits(memory_bytes=200 * _MIB)
    result = await place.run("head -c 4G /dev/zero | tail", limits=limits)
    assert result.ended_by == "memory_limit"


async def test_memory_that_processes_share_counts_once(place: Place) -> None:
    place.directory.mkdir()
    (place.directory / "share.py").write_text(
        "import os, time\n"
        "kept = bytearray(os.urandom(1)) * (60 << 20)\n"
        "for _ in range(5): os.fork() or (time.sleep(0.5), os._exit(0))\n"
        "while True:\n"
        "    try: os.wait()\n"
        "    except ChildProcessError: break\n"
    )
    result = await place.run("python3 share.py", limits=Limits(memory_bytes=200 * _MIB))
    assert (result.ended_by, result.exit_code) == (None, 0)


@pytest.mark.parametrize(
    "bomb",
    [
        "bomb() { bomb | bomb & }; bomb; sleep 300",
        'bomb() { setsid bash -c "$(declare -f bomb); bomb & bomb & wait"; }; bomb & bomb & wait',
    ],
    ids=["in one group", "each in a session of its own"],
)
async def test_a_fork_bomb_is_ended(place: Place, bomb: str) -> None:
    left = Marked()
    result = await place.run(f"{left.sleep} & {bomb}", limits=Limits(tasks=200))
    assert result.ended_by == "process_limit"
    assert not left.alive()


async def test_threads_count_as_processes(place: Place) -> None:
    place.directory.mkdir()
    (place.directory / "threads.py").write_text(
        "import threading, time\n"
        "for _ in range(60): threading.Thread(target=time.sleep, args=(300,)).start()\n"
    )
    result = await place.run("python3 threads.py", limits=Limits(tasks=40))
    assert result.ended_by == "process_limit"


async def test_a_file_grows_only_so_far(place: Place) -> None:
    result = await place.run("head -c 2M /dev/zero > big", limits=Limits(file_bytes=_MIB))
    assert (result.exit_code, (place.directory / "big").stat().st_size) == (153, _MIB)


async def test_a_command_yields_to_others_and_leaves_no_core(place: Place) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        result = await place.run("nice; ulimit -c; cat /proc/self/oom_score_adj")
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert result.output.split() == ["19", "0", "1000"]


async def test_what_lies_in_private_folders_counts_as_memory(sandbox: Place) -> None:
    limits = Limits(memory_bytes=200 * _MIB)
    result = await sandbox.run("head -c 300M /dev/zero > /tmp/hoard; sleep 300", limits=limits)
    assert result.ended_by == "memory_limit"


async def test_a_command_that_fills_the_disk_is_ended(place: Place) -> None:
    limits = Limits(disk_bytes=50 * _MIB)
    fill = "for i in {1..10}; do head -c 30M /dev/zero > $i; done; sync; sleep 300"
    assert (await place.run(fill, limits=limits)).ended_by == "disk_limit"


async def test_a_command_that_makes_too_many_files_is_ended(place: Place) -> None:
    if os.statvfs(place.root).f_files == 0:
        pytest.skip("this file system has no limit to files")
    command = "for i in {1..5000}; do : > $i; done; sleep 300"
    assert (await place.run(command, limits=Limits(disk_files=1000))).ended_by == "disk_limit"


def test_the_last_of_a_disk_is_kept_free_from_who_takes_much_of_it() -> None:
    before = Disk(used_bytes=90 * _GIB, free_bytes=10 * _GIB, used_files=10, free_files=10_000)
    most = {"most_bytes": 50 * _GIB, "most_files": 100_000}
    full = before._replace(used_bytes=99 * _GIB + 1, free_bytes=_GIB - 1)
    assert fills(before, full, **most)
    assert not fills(before, before._replace(used_bytes=98 * _GIB, free_bytes=2 * _GIB), **most)
    assert not fills(full, full._replace(used_bytes=full.used_bytes + _MIB), **most)
    assert fills(before, before._replace(used_files=9_990, free_files=20), **most)


async def test_memory_of_private_folders_is_limited(sandbox: Place) -> None:
    result = await sandbox.run("head -c 65M /dev/zero > /dev/shm/full")
    assert "No space left" in result.output


async def test_signals_have_their_defaults_in_a_command(place: Place) -> None:
    result = await place.run("grep -E 'Sig(Ign|Blk)' /proc/self/status")
    masks = [int(line.split()[1], 16) for line in result.output.splitlines()]
    # 32 and 33 are the C library's own; a program cannot unblock what it got blocked.
    assert [mask & ~(3 << 31) for mask in masks] == [0, 0]


async def test_a_full_disk_costs_the_record_and_not_the_answer(place: Place) -> None:
    place.commands()
    records = place.state / "records"
    records.rmdir()
    records.symlink_to(Path("/proc/self/task"))
    result = await place.run("echo still here")
    assert (result.output, result.exit_code) == ("still here\n", 0)
