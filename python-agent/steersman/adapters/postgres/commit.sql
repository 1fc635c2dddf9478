-- name: commit
-- One statement, so one round trip and one flush. A due_at that stays in the past keeps its value:
-- an update that changes no indexed column touches no index. A command that nobody has answered
-- keeps the task due, whatever the decision says. Most decisions only append to the log: the
-- statement for those is this one without what stands between `beside` and `end beside`, and
-- without the parameters that only stand there, which are the last ones.
WITH moved AS (
  UPDATE tasks
     SET version = version + cardinality($5::bigint[]),
         state = $6, waiting_for = $7, final = $8, view = $9, spent = $10, inbox_done = $11,
         due_at = CASE WHEN $8 THEN NULL
                       WHEN inbox_seq > $11 THEN least(due_at, now())
                       WHEN due_at <= now() AND $12::timestamptz <= now() THEN due_at
                       ELSE $12 END,
         checkpoint = coalesce($13, checkpoint),
         checkpoint_seq = CASE WHEN $13 IS NULL THEN checkpoint_seq
                               ELSE version + cardinality($5::bigint[]) END,
         compacted_through = coalesce($14, compacted_through),
         size_bytes = size_bytes + (
           SELECT coalesce(sum(pg_column_size(
                    ROW($1::uuid, e.seq, e.epoch, e.type, e.command_id, $18::uuid, e.payload, e.at))), 0)
             FROM unnest($5::bigint[], $19::bigint[], $20::text[], $21::text[], $22::text[],
                         $23::timestamptz[]) AS e (seq, epoch, type, command_id, payload, at)
         )
         -- beside
         + (
           SELECT coalesce(sum(pg_column_size(ROW($1::uuid, a.name, a.bytes))), 0)
             FROM unnest($25::text[], $26::bytea[]) AS a (name, bytes)
            WHERE NOT EXISTS (SELECT FROM artifacts WHERE task_id = $1 AND name = a.name))
         -- end beside
         ,
         contract_version = greatest(contract_version, $24::integer),
         claims_since_progress = CASE WHEN $15 THEN 0 ELSE claims_since_progress END,
         worker_id = CASE WHEN $16 THEN NULL ELSE worker_id END,
         updated_at = now()
   WHERE id = $1 AND epoch = $2 AND version = $3 AND worker_id = $4 AND NOT final
     AND ($17::bigint IS NULL OR inbox_seq = $17)
  RETURNING id, workspace_id, size_bytes
), logged AS (
  INSERT INTO events (task_id, seq, epoch, type, command_id, commit_id, payload, at)
  SELECT moved.id, e.seq, e.epoch, e.type, e.command_id, $18, e.payload::json, e.at
    FROM moved, unnest($5::bigint[], $19::bigint[], $20::text[], $21::text[], $22::text[],
                       $23::timestamptz[]) AS e (seq, epoch, type, command_id, payload, at)
)
-- beside
, stored AS (
  INSERT INTO artifacts (task_id, name, bytes)
  SELECT moved.id, a.name, a.bytes FROM moved, unnest($25::text[], $26::bytea[]) AS a (name, bytes)
  ON CONFLICT DO NOTHING
), requested AS (
  INSERT INTO approvals (id, task_id, root_id, owner_id, role, tool, arguments, arguments_sha256,
                         reason, state, requested_at, expires_at, decided_by, decided_at, remember)
  SELECT a.id, t.id, t.root_id, t.owner_id, t.role, a.tool, a.arguments, a.arguments_sha256,
         a.reason, a.state, a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.remember
    FROM moved, tasks t, json_to_recordset($27::json) AS a (
           id uuid, tool text, arguments json, arguments_sha256 text, reason text, state text,
           requested_at timestamptz, expires_at timestamptz, decided_by text,
           decided_at timestamptz, remember text)
   WHERE t.id = moved.id
), decided AS (
  UPDATE approvals
     SET state = a.state, decided_by = a.decided_by, decided_at = a.decided_at,
         remember = a.remember
    FROM moved, json_to_recordset($28::json) AS a (
           id uuid, state text, decided_by text, decided_at timestamptz, remember text)
   WHERE approvals.id = a.id AND approvals.task_id = moved.id
), freed AS (
  UPDATE workspaces w SET holder_task_id = NULL
    FROM moved WHERE $16 AND w.id = moved.workspace_id AND w.holder_task_id = moved.id
)
-- end beside
SELECT size_bytes FROM moved

-- name: lock_parent
-- Before the child's own row: locks go from parent to child everywhere.
SELECT p.id FROM tasks p
 WHERE p.id = (SELECT parent_id FROM tasks WHERE id = $1) FOR NO KEY UPDATE

-- name: lock_child
SELECT id FROM tasks WHERE id = $1 FOR NO KEY UPDATE

-- name: make_child
-- A child is like its parent in all that its parent does not choose for it. It is due at once.
INSERT INTO tasks (id, owner_id, conversation_id, parent_id, root_id, role, workspace_id,
                   contract_version, state, version, view, created_at, updated_at, due_at,
                   size_bytes, ended_before, goes_first)
SELECT $2, p.owner_id, p.conversation_id, p.id, p.root_id, $3, p.workspace_id,
       $4, $5, 1, $6, $7, $7, now(),
       pg_column_size(ROW($2::uuid, 1::bigint, 0::bigint, 'task_submitted'::text, NULL::text,
                          $2::uuid, $8::text, $7::timestamptz)),
       p.ended_before, false
  FROM tasks p WHERE p.id = $1

-- name: why_not
SELECT t.epoch, t.version, t.inbox_seq, t.worker_id, t.final, t.size_bytes,
       EXISTS (SELECT FROM events
                WHERE task_id = t.id AND seq > $2 AND commit_id = $3) AS is_committed
  FROM tasks t WHERE t.id = $1

-- name: lock_conversation
SELECT c.id FROM conversations c
 WHERE c.id = (SELECT conversation_id FROM tasks WHERE id = $1) FOR NO KEY UPDATE

-- name: number_the_end
-- Only of root tasks, and once: what a repeated commit finds done stays.
WITH ended AS (
  UPDATE conversations c SET ended_count = c.ended_count + 1, updated_at = now()
    FROM tasks t
   WHERE t.id = $1 AND t.parent_id IS NULL AND t.nth_ended IS NULL AND c.id = t.conversation_id
  RETURNING c.ended_count
)
UPDATE tasks SET nth_ended = ended_count FROM ended WHERE id = $1

-- name: hand_over
-- The next root task of the conversation becomes active and due: what was to interrupt first, then
-- in the order in which they came.
WITH next AS (
  SELECT c.ended_count,
         (SELECT t.id FROM tasks t
           WHERE t.conversation_id = c.id AND NOT t.final AND t.parent_id IS NULL
           ORDER BY t.goes_first DESC, t.id LIMIT 1) AS task_id
    FROM conversations c WHERE c.active_task_id = $1
), active AS (
  UPDATE conversations SET active_task_id = next.task_id FROM next WHERE active_task_id = $1
)
UPDATE tasks SET due_at = now(), ended_before = next.ended_count
  FROM next WHERE id = next.task_id RETURNING id
