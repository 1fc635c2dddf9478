"""Faults at the edge to the world: the launcher, the fence, the records, the files."""

from tests.mutants.fault import fault

_LAUNCHER = "adapters/sandbox/launcher/main.py"
_SUPERVISOR = "adapters/sandbox/launcher/supervisor.py"
_FENCE = "adapters/sandbox/fence.py"

_FENCES = "tests/agent/sandbox/test_fence.py"
_LEFT = "tests/agent/sandbox/test_nothing_left.py"

EFFECTS = (
    fault(
        "the launcher does not compare the fence",
        _LAUNCHER,
        '        return Outcome(order.action_id, None, "fenced")\n',
        "        pass\n",
        f"{_FENCES}::test_a_command_below_the_fence_is_refused",
    ),
    fault(
        "a command runs on when the fence rises",
        _SUPERVISOR,
        "if read_fence(Path(self._order.state)) > self._order.fence:",
        "if False:",
        f"{_FENCES}::test_raising_the_fence_ends_what_runs_below_it",
    ),
    fault(
        "a takeover does not raise the fence of the directory",
        _FENCE,
        "    await asyncio.to_thread(raise_fence, state, fence)\n",
        "",
        f"{_FENCES}::test_who_comes_late_leaves_the_new_holder_alone",
        "tests/agent/workspaces/test_home.py::test_a_workspace_is_made_when_a_task_first_opens_it",
    ),
    fault(
        "a takeover does not wait until the old command is gone",
        _FENCE,
        "                return await _wait_for(lock)\n",
        "                return None\n",
        f"{_FENCES}::test_a_take_over_returns_when_nothing_of_the_old_holder_runs",
    ),
    fault(
        "a workspace is opened without a takeover",
        "app/workspaces.py",
        "        await take_over(state, ref.fence)\n",
        "",
        "tests/agent/workspaces/test_home.py::test_a_workspace_is_made_when_a_task_first_opens_it",
    ),
    fault(
        "a command starts without the lock",
        "adapters/sandbox/launcher/state.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        f"{_FENCES}::test_it_does_not_wait_for_ever",
    ),
    fault(
        "the launcher runs an action that has a record",
        _LAUNCHER,
        "if record.exists():",
        "if False:",
        "tests/agent/sandbox/test_running.py::"
        "test_an_action_runs_once_however_often_it_is_asked_for",
    ),
    fault(
        "a command outlives an agent that is silent",
        _SUPERVISOR,
        "if now - self._heard > self._order.silence_seconds:",
        "if False:",
        f"{_LEFT}::test_a_frozen_agent_leaves_no_process",
    ),
    fault(
        "a file is replaced over somebody else's change",
        "tools/replacing.py",
        "if (now or _ABSENT) != old:",
        "if False:",
        "tests/agent/tools/test_write_file.py::test_somebody_elses_change_is_a_conflict_and_stays",
    ),
    fault(
        "a file that is written already is a conflict after a crash",
        "tools/replacing.py",
        "    if now == new:\n        return\n",
        "",
        "tests/agent/tools/test_write_file.py::test_a_call_that_is_resumed_ends_with_the_same_file",
        "tests/agent/tools/test_write_file.py::test_a_file_that_is_done_is_not_touched_again",
    ),
)
