"""A place for each process of a host."""

import subprocess
import sys
from pathlib import Path

from steersman.adapters.slots import take_slot
from steersman.core.ids import WorkerId

_DIES_IN_ITS_SLOT = """
import os, sys
from pathlib import Path
from steersman.adapters.slots import take_slot
take_slot(Path(sys.argv[1]), "dead-worker")
os.kill(os.getpid(), 9)
"""


def test_processes_take_the_first_free_slot(tmp_path: Path) -> None:
    first, second = (take_slot(tmp_path, WorkerId(name)) for name in ("a", "b"))
    assert [first.number, second.number] == [0, 1]
    first.leave()
    third = take_slot(tmp_path, WorkerId("c"))
    assert (third.number, third.predecessor) == (0, None)
    second.leave()
    third.leave()


def test_the_next_one_learns_who_died_in_its_slot(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _DIES_IN_ITS_SLOT, str(tmp_path)], check=False)
    slot = take_slot(tmp_path, WorkerId("next"))
    assert (slot.number, slot.predecessor) == (0, "dead-worker")
    slot.leave()
    slot.leave()


def test_what_is_no_worker_id_in_a_slot_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "slots").mkdir()
    (tmp_path / "slots" / "0.lock").write_bytes(b"\xff\xfe" * 500)
    slot = take_slot(tmp_path, WorkerId("next"))
    assert slot.number == 0
    assert (tmp_path / "slots" / "0.lock").read_text() == "next"
    slot.leave()
