"""Faults of a team: delegation, waits, reports, and what reaches a whole tree."""

from tests.mutants.fault import fault

_OTHERS = "adapters/postgres/commit_others.py"
_SETTLING = "core/settling.py"
_TEAMS = "tests/agent/core/test_team.py"
_STEERING = "tests/agent/core/test_tree_steering.py"

TEAM = (
    fault(
        "a parent that is stopped meanwhile gains a child",
        "core/ledger.py",
        "await self._commit(draft, {}, guarded=True, release=release)",
        "await self._commit(draft, {}, guarded=False, release=release)",
        f"{_STEERING}::test_a_parent_that_is_stopped_meanwhile_gains_no_child",
    ),
    fault(
        "a child's end does not reach its parent",
        _OTHERS,
        "    if (said := decision.report) is not None:",
        "    if (said := decision.report) is not None and False:",
        f"{_TEAMS}::test_what_a_child_says_reaches_the_parent_once_and_before_its_own_end",
    ),
    fault(
        "a commit that is found done tells other tasks again",
        _OTHERS,
        "    else:\n        await _tell_others",
        "    if True:\n        await _tell_others",
        f"{_STEERING}::test_a_lost_answer_to_a_delegation_makes_no_second_child",
    ),
    fault(
        "a stop reaches only the task that it names",
        "core/commands.py",
        "return isinstance(command, StopTask | PauseTask | ResumeTask)",
        "return isinstance(command, PauseTask | ResumeTask)",
        f"{_STEERING}::test_a_stop_reaches_the_whole_tree_and_ends_it_from_below_without_a_worker",
    ),
    fault(
        "a stopped task ends before its children",
        _SETTLING,
        "        return closed  # and the end comes when theirs have been reported",
        "        pass",
        f"{_STEERING}::test_a_stopped_task_ends_when_the_worker_of_its_child_has_ended_that",
    ),
    fault(
        "a task that fails leaves its children alone",
        _SETTLING,
        "        return (give_up(code, message),)",
        "        pass",
        f"{_STEERING}::test_a_parent_that_fails_stops_its_children_first",
    ),
    fault(
        "a task finishes before its children",
        "tools/finish_task.py",
        "    if live := context.state.live_children:",
        "    if live := ():",
        f"{_TEAMS}::test_a_task_cannot_finish_before_its_children",
    ),
    fault(
        "what living children may spend is spent twice",
        "core/budget.py",
        "limits, used = state.limits, state.spent.plus_child(state.reserved)",
        "limits, used = state.limits, state.spent",
        f"{_TEAMS}::test_what_children_spend_is_their_parents_and_what_they_may_spend_is_reserved",
    ),
    fault(
        "what a child has spent is not its parent's",
        "core/fold_team.py",
        '"spent": state.spent.plus_child(event.spent),',
        '"spent": state.spent,',
        f"{_TEAMS}::test_what_children_spend_is_their_parents_and_what_they_may_spend_is_reserved",
    ),
)
