"""Exit records: what a new agent learns of the commands of a dead one."""

import os
import signal
import time
from pathlib import Path

import pytest

from steersman.adapters.sandbox.fence import take_over
from steersman.adapters.sandbox.records import adopt, forget_old, record_path
from steersman.core.ids import ActionId
from steersman.core.tool import CommandResult
from tests.agent.sandbox.running import Marked, Place, until

_ACTION = ActionId("the-action")


@pytest.mark.slow
async def test_the_outcome_of_a_command_outlives_an_agent_that_never_saw_it(place: Place) -> None:
    command = "touch started; while [ ! -e go ]; do sleep 0.01; done; echo done; exit 6"
    async with place.agent(command, _ACTION) as agent:
        agent.send_signal(signal.SIGSTOP)
        (place.directory / "go").touch()
        await until(record_path(place.state, _ACTION).exists)
        agent.kill()
    await take_over(place.state, 2)
    assert adopt(place.state, _ACTION) == CommandResult("done\n", 5, 6)


@pytest.mark.slow
async def test_of_a_command_that_was_cut_a_new_agent_learns_how_far_it_came(place: Place) -> None:
    left = Marked()
    async with place.agent(f"echo begun; touch started; {left.sleep}", _ACTION) as agent:
        agent.kill()
        await take_over(place.state, 2)
        found = adopt(place.state, _ACTION)
        assert found is not None
        assert found.ended_by in {"agent_lost", "fenced"}  # whichever its launcher saw first
        assert found == CommandResult("begun\n", 6, None, found.ended_by)
        assert not left.alive()


@pytest.mark.slow
async def test_when_all_die_at_once_nobody_knows(sandbox: Place) -> None:
    async with sandbox.agent("touch started; sleep 300", _ACTION) as agent:
        for pid in (*sandbox.supervisors(), agent.pid):
            os.kill(pid, signal.SIGKILL)
        await take_over(sandbox.state, 2)
        assert adopt(sandbox.state, _ACTION) is None


async def test_an_action_that_is_adopted_is_the_one_that_ran(place: Place) -> None:
    result = await place.run("echo some", action="a/../b")
    assert adopt(place.state, ActionId("a/../b")) == result
    assert adopt(place.state, ActionId("b")) is None


def test_what_is_no_record_is_not_adopted(tmp_path: Path) -> None:
    record = record_path(tmp_path, _ACTION)
    record.parent.mkdir()
    for content in (b"", b'{"action_id": "the', b"[]", b'{"other": 1}', b"\xff"):
        record.write_bytes(content)
        assert adopt(tmp_path, _ACTION) is None


def test_old_records_are_forgotten(tmp_path: Path) -> None:
    old, new = (record_path(tmp_path, ActionId(name)) for name in ("old", "new"))
    old.parent.mkdir()
    for path, days in ((old, 8), (new, 6)):
        path.touch()
        used = time.time() - days * 86_400
        os.utime(path, (used, used))
    forget_old(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)
