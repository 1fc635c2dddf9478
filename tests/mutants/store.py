"""Faults of the store: commits, claims, leases, the inbox, the copy in Redis."""

from tests.mutants.fault import Edit, Fault, fault

_COMMIT = "adapters/postgres/commit.sql"
_JOURNAL = "adapters/postgres/journal.sql"
_TASKS = "adapters/postgres/tasks.sql"
_LEASE = "adapters/postgres/lease.py"
_LEASE_SQL = "adapters/postgres/lease.sql"

_COMMITS = "tests/agent/postgres/test_commits.py"
_CLAIMS = "tests/agent/postgres/test_claims.py"
_LEASES = "tests/agent/postgres/test_lease.py"
_REQUESTS = "tests/agent/postgres/test_requests.py"
_REDIS = "tests/agent/test_redis.py"
_SWEEP = "tests/agent/failpoints/test_sweep.py"

STORE = (
    fault(
        "a commit does not compare the epoch",
        _COMMIT,
        "AND epoch = $2 AND version = $3",
        "AND $2::bigint IS NOT NULL AND version = $3",
        f"{_COMMITS}::test_a_commit_is_fenced",
    ),
    fault(
        "a commit does not compare the version",
        _COMMIT,
        "AND epoch = $2 AND version = $3",
        "AND epoch = $2 AND $3::bigint IS NOT NULL",
        f"{_COMMITS}::test_a_commit_is_fenced",
    ),
    fault(
        "a commit does not ask whose the task is",
        _COMMIT,
        "AND worker_id = $4 AND NOT final",
        "AND $4::text IS NOT NULL AND NOT final",
        f"{_COMMITS}::test_a_commit_is_fenced",
    ),
    fault(
        "a commit does not compare the inbox",
        _COMMIT,
        "AND ($17::bigint IS NULL OR inbox_seq = $17)",
        "AND ($17::bigint IS NULL OR inbox_seq >= $17)",
        f"{_COMMITS}::test_a_command_that_a_decision_has_not_seen_stops_it",
    ),
    fault(
        "after a lost answer a commit does not look for its commit_id",
        "adapters/postgres/commit.py",
        'if row["is_committed"]:',
        "if False:",
        f"{_SWEEP}::test_an_answer_that_is_lost_commits_once[2]",
    ),
    fault(
        "a command that nobody has answered does not keep its task due",
        _COMMIT,
        "WHEN inbox_seq > $11 THEN least(due_at, now())",
        "WHEN inbox_seq < $11 THEN least(due_at, now())",
        f"{_COMMITS}::test_an_unanswered_command_keeps_a_task_due",
    ),
    fault(
        "the next holder does not learn which commands were answered",
        _COMMIT,
        "spent = $10, inbox_done = $11,",
        "spent = $10, inbox_done = inbox_done + 0 * $11,",
        "tests/agent/core/test_takeovers.py::"
        "test_a_command_that_was_answered_is_not_answered_by_the_next_worker",
    ),
    fault(
        "a claim does not ask whether the holder lives",
        _JOURNAL,
        "WHERE id = t.worker_id), true)\n         END\n     AND (w.holder_task_id",
        "WHERE id = t.worker_id), true) OR true\n         END\n     AND (w.holder_task_id",
        "tests/agent/core/test_journals.py::test_a_task_is_claimed_by_one_worker",
    ),
    fault(
        "a claim does not raise the epoch",
        _JOURNAL,
        """     SET worker_id = $1, epoch = t.epoch + 1,
         claims_since_progress""",
        """     SET worker_id = $1, epoch = t.epoch,
         claims_since_progress""",
        f"{_CLAIMS}::test_a_task_is_taken_over_when_its_workers_lease_has_ended",
    ),
    fault(
        "a takeover does not raise the fence",
        _JOURNAL,
        "SET holder_task_id = taken.id, fence = w.fence + 1,",
        "SET holder_task_id = taken.id, fence = w.fence,",
        f"{_CLAIMS}::test_a_task_is_taken_over_when_its_workers_lease_has_ended",
    ),
    fault(
        "two tasks hold one workspace",
        _JOURNAL,
        "AND (w.holder_task_id IS NULL OR w.holder_task_id = t.id)",
        "",
        f"{_CLAIMS}::test_tasks_of_one_workspace_take_turns",
    ),
    fault(
        "deaths of workers are not counted",
        _JOURNAL,
        """         claims_since_progress = t.claims_since_progress + due.expired::int
    FROM due
   WHERE t.id = due.id AND t.epoch = due.epoch""",
        """         claims_since_progress = t.claims_since_progress
    FROM due
   WHERE t.id = due.id AND t.epoch = due.epoch""",
        f"{_CLAIMS}::test_a_task_is_taken_over_when_its_workers_lease_has_ended",
    ),
    fault(
        "a death that a command finds is not counted",
        _JOURNAL,
        """       claims_since_progress = t.claims_since_progress + due.expired::int
  FROM due
 WHERE t.id = due.id
RETURNING""",
        """       claims_since_progress = t.claims_since_progress
  FROM due
 WHERE t.id = due.id
RETURNING""",
        f"{_CLAIMS}::test_a_death_that_a_command_finds_counts_too",
    ),
    fault(
        "a beat by the worker's id alone revives a lease that had ended",
        _LEASE_SQL,
        "SELECT $6::boolean OR lease_until <= now() AS is_lost",
        "SELECT $6::boolean AS is_lost",
        f"{_LEASES}::test_what_a_worker_holds_is_free_when_its_lease_had_ended_behind_its_back",
    ),
    Fault(
        "the clock of the worker says when its lease ends",
        (
            Edit(
                _LEASE_SQL,
                "VALUES ($1, $2, $3, $4, now() + $5::interval)",
                "VALUES ($1, $2, $3, $4, $5::timestamptz)",
            ),
            Edit(
                _LEASE,
                'execute(_SQL["beat"], *self._row, told)',
                'execute(_SQL["beat"], *self._row[:4], __import__("datetime").datetime.now('
                '__import__("datetime").UTC) + self._row[4], told)',
            ),
        ),
        (f"{_LEASES}::test_a_wrong_clock_does_not_change_a_lease",),
    ),
    fault(
        "a lease without an answer is not lost",
        _LEASE,
        "            self._work.on_lost()",
        "            pass",
        f"{_LEASES}::test_without_a_beat_the_lease_is_lost_and_what_was_held_is_free",
    ),
    fault(
        "a loss that is noticed during a beat is forgotten",
        _LEASE,
        "self._was_lost = self._was_lost and not told",
        "self._was_lost = False",
        f"{_LEASES}::test_a_loss_that_is_noticed_during_a_beat_is_told_by_the_next_one",
    ),
    fault(
        "a lease beats on though the event loop stands still",
        _LEASE,
        "return self._work.silence() > self._lease",
        "return False",
        f"{_LEASES}::test_work_that_stands_still_ends_the_lease_until_it_moves",
    ),
    fault(
        "a command_id is not remembered",
        _TASKS,
        """VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true""",
        """VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (owner_id, command_id) DO UPDATE SET answer = EXCLUDED.answer RETURNING true""",
        f"{_REQUESTS}::test_a_repeated_submission_gets_the_first_answer",
    ),
    fault(
        "an id may stand for two commands",
        "adapters/postgres/submit.py",
        'if before is None or before["request_hash"] != request_hash:',
        "if before is None:",
        f"{_REQUESTS}::test_an_id_that_stands_for_another_request_is_refused",
    ),
    fault(
        "two people decide one approval",
        "adapters/postgres/approvals.sql",
        "AND state = 'pending'",
        "",
        "tests/agent/e2e/test_approvals.py::test_of_two_deciders_one_is_told_that_it_is_decided",
    ),
    fault(
        "the copy in Redis is set, not compared and set",
        "adapters/redis/views.py",
        "if old_version and old_epoch and\n",
        "if false and old_version and old_epoch and\n",
        f"{_REDIS}::test_an_older_view_never_replaces_a_newer_one",
    ),
    fault(
        "the end of a task does not hand its conversation over",
        _COMMIT,
        "FROM conversations c WHERE c.active_task_id = $1",
        "FROM conversations c WHERE c.active_task_id = $1 AND false",
        f"{_COMMITS}::test_the_end_of_a_task_hands_the_conversation_over",
    ),
)
