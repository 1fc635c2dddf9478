"""Faults of the core: decisions, the ledger, the loop, watchers."""

from tests.mutants.fault import Edit, Fault, fault

_LEDGER = "core/ledger.py"
_DECIDE = "core/decide.py"
_LOOP = "core/loop.py"
_BEFORE_COMMIT = (
    '        self._recording.failpoints.reach("releasing" if release else "committing")\n'
)

_LEDGERS = "tests/agent/core/test_ledger.py"
_ORDER = "tests/agent/core/test_commit_order.py"
_TAKEOVERS = "tests/agent/core/test_takeovers.py"
_DECISIONS = "tests/agent/core/test_decisions.py"
_LOOPS = "tests/agent/core/test_loop.py"
_TAILS = "tests/agent/core/test_tail.py"

LOOP = (
    fault(
        "the copy is written before the commit",
        _LEDGER,
        _BEFORE_COMMIT,
        "        await self._recording.cache.put(\n"
        "            self.state.task_id, self._claim.epoch, draft.state.seq, decision.view\n"
        "        )\n" + _BEFORE_COMMIT,
        f"{_ORDER}::test_the_copy_and_the_hint_come_after_the_commit",
    ),
    fault(
        "watchers are woken before the commit",
        _LEDGER,
        _BEFORE_COMMIT,
        "        await self._recording.hints.publish(self.state.task_id)\n" + _BEFORE_COMMIT,
        f"{_ORDER}::test_the_copy_and_the_hint_come_after_the_commit",
    ),
    fault(
        "a task waits or ends without a look at its inbox",
        _LEDGER,
        "guarded = handing_back or draft.denies()",
        "guarded = draft.denies()",
        f"{_LOOPS}::test_a_message_at_the_last_failure_is_recorded_before_the_end",
    ),
    fault(
        "an approval expires over a decision that was accepted",
        _LEDGER,
        "guarded = handing_back or draft.denies()",
        "guarded = handing_back",
        f"{_ORDER}::test_an_expiry_does_not_overtake_a_decision",
    ),
    fault(
        "an approval expires by the clock of the worker",
        _LEDGER,
        "        now = max(now, self._claim.at or now)\n",
        "",
        f"{_ORDER}::test_an_approval_expires_by_the_clock_of_the_store",
    ),
    fault(
        "a command is answered twice by its holder",
        _LEDGER,
        "self._inbox_done, self._unanswered = decision.inbox_done, ()",
        "self._unanswered = ()",
        f"{_ORDER}::test_a_command_is_answered_once",
    ),
    fault(
        "commands are noticed by hints alone",
        "core/interruption.py",
        "if self._wake.is_set() or _now() >= self._look_by:",
        "if self._wake.is_set():",
        f"{_LEDGERS}::test_the_inbox_is_read_each_second_also_when_no_hint_comes",
    ),
    Fault(
        "an unsafe effect has no intent",
        (
            Edit(
                _LOOP,
                "first.tool.effect is not Effect.PURE and",
                "first.tool.effect is Effect.IDEMPOTENT and",
            ),
            Edit(
                "core/act.py",
                "return (started(first, Effect.UNSAFE, first.action.action_id),)",
                "return ()",
            ),
        ),
        (f"{_LOOPS}::test_a_task_runs_to_its_end_with_one_commit_for_each_half_of_a_step",),
    ),
    fault(
        "the runner of tools tries an unsafe effect again",
        "core/act.py",
        "    outcome = await _outcome(ready.one, _call(ready, context))\n",
        "    outcome = await _outcome(ready.one, _call(ready, context))\n"
        "    if outcome and isinstance(outcome.events[0], ActionInterrupted):\n"
        "        outcome = await _outcome(ready.one, _call(ready, context))\n",
        f"{_TAKEOVERS}::test_an_unsafe_call_that_breaks_is_unknown_and_not_tried_again",
    ),
    fault(
        "an unsafe effect is repeated after a takeover",
        _DECIDE,
        "return one.effect in (Effect.IDEMPOTENT, Effect.KEYED)",
        "return one.effect in (Effect.IDEMPOTENT, Effect.KEYED, Effect.UNSAFE)",
        f"{_LOOPS}::test_a_killed_worker_leaves_a_log_that_another_goes_on_with",
    ),
    fault(
        "after an unknown outcome the rest of the thought runs",
        _DECIDE,
        "return (*cut, *skip_open(state, AFTER_UNKNOWN))",
        "return tuple(cut)",
        f"{_DECISIONS}::test_nobody_knows_the_outcome_of_an_unsafe_action_after_a_takeover",
    ),
    fault(
        "an exit record is not adopted",
        _LOOP,
        "adopted = await self._adopted()",
        "adopted = act.Outcomes((), {})",
        f"{_TAKEOVERS}::test_what_the_call_of_a_dead_worker_came_to_is_adopted_once",
    ),
    fault(
        "what was adopted gets a second outcome",
        _DECIDE,
        "return (claimed, *adopted, *cut_unknown(state, known))",
        "return (claimed, *adopted, *cut_unknown(state))",
        f"{_TAKEOVERS}::test_what_the_call_of_a_dead_worker_came_to_is_adopted_once",
    ),
    fault(
        "a shutdown leaves an intent behind that nobody began",
        _LOOP,
        "await self._record(unbegun(self._ledger.state), release=True)",
        "await self._record((), release=True)",
        "tests/agent/core/test_interruptions.py::"
        "test_a_shutdown_lets_a_tool_end_and_takes_back_what_comes_after",
        "tests/agent/core/test_interruptions.py::test_an_intent_that_a_shutdown_overtakes_is_taken_back",
    ),
    fault(
        "an approval is not bound to the arguments that run",
        "core/act.py",
        "if one.approved_sha256 not in (None, arguments_sha256(whole)):",
        "if False:",
        "tests/agent/core/test_approvals.py::test_what_runs_is_what_was_approved_or_nothing",
    ),
    fault(
        "an approval covers other arguments than were shown",
        "core/approving.py",
        "if wish.arguments is None and wish.arguments_sha256 != pending.arguments_sha256:",
        "if False:",
        "tests/agent/core/test_approvals.py::"
        "test_a_decision_that_comes_too_late_or_on_something_else_is_refused",
    ),
    fault(
        "no task is ever poisoned",
        _DECIDE,
        "return claim.claims_since_progress >= MAX_CLAIMS_WITHOUT_PROGRESS\n",
        "return False\n",
        f"{_DECISIONS}::test_the_fifth_claim_without_progress_is_poison",
    ),
    fault(
        "what failed calls of the model cost is not summed",
        "core/fold.py",
        """    spent = state.spent.plus(event.usage)
    if event.code == "shutdown":""",
        """    spent = state.spent
    if event.code == "shutdown":""",
        "tests/agent/core/test_fold.py::"
        "test_spent_is_the_sum_over_thoughts_failed_calls_and_compactions",
    ),
    fault(
        "work goes on after the lease is lost",
        "core/worker.py",
        "            running.cancel()\n",
        "            pass\n",
        "tests/agent/core/test_worker.py::test_work_that_is_dropped_commits_nothing_more",
    ),
    fault(
        "watchers are shown an event that they have seen",
        "core/tail.py",
        "        if envelope.seq <= self.seq:\n            return\n",
        "",
        f"{_TAILS}::test_an_event_that_is_read_twice_is_shown_once",
    ),
    fault(
        "a gap in what a watcher gets is not read from the log",
        "core/tail.py",
        "if envelope.seq != self.seq + 1:",
        "if False:",
        f"{_TAILS}::test_what_was_missed_is_left_to_the_log",
    ),
    fault(
        "watchers rely on hints alone",
        "core/tailer.py",
        "grown, look_at_all = set(self._tails), _in_a_second()",
        "look_at_all = _in_a_second()",
        "tests/agent/core/test_watch.py::test_what_nobody_was_told_of_is_found_within_a_second",
    ),
)
