-- name: claim
-- $1 worker, $2 host, $3 roles, $4 contract version, $5 tasks that this worker knows to be its own,
-- $6 the only tree to take from, or null.
-- A task that has delegated may be taken while another holds its workspace: it has to hear people
-- and reports while its children work. Then it comes without the workspace.
-- Sub-selects, not joins, wherever a row is read that is not locked: only they are read again when
-- a locked row turns out to have changed. A task that is ours without our knowing was claimed by a
-- statement whose answer got lost.
WITH due AS (
  SELECT t.id, t.epoch, w.id AS workspace_id,
         t.worker_id IS NOT NULL AND t.worker_id <> $1 AS expired
    FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
   WHERE NOT t.final AND t.due_at <= now()
     AND t.role = ANY ($3::text[]) AND t.contract_version <= $4
     AND ($6::uuid IS NULL OR t.root_id = $6)
     AND CASE WHEN t.worker_id IS NULL THEN true
              WHEN t.worker_id = $1 THEN t.id <> ALL ($5::uuid[])
              ELSE coalesce((SELECT lease_until <= now() FROM workers WHERE id = t.worker_id), true)
         END
     AND (w.holder_task_id IS NULL OR w.holder_task_id = t.id
          OR EXISTS (SELECT FROM tasks c WHERE c.parent_id = t.id))
     AND (w.host_id IS NULL OR w.host_id = $2)
     AND (SELECT active_task_id FROM conversations WHERE id = t.conversation_id) = t.root_id
   ORDER BY t.due_at
   LIMIT 1
     FOR NO KEY UPDATE OF t, w SKIP LOCKED
), taken AS (
  UPDATE tasks t
     SET worker_id = $1, epoch = t.epoch + 1,
         claims_since_progress = t.claims_since_progress + due.expired::int
    FROM due
   WHERE t.id = due.id AND t.epoch = due.epoch
  RETURNING t.id, t.epoch, t.version, t.inbox_seq, t.inbox_done, t.claims_since_progress,
            due.expired, due.workspace_id, now() AS at
), held AS (
  UPDATE workspaces w
     SET holder_task_id = taken.id, fence = w.fence + 1, host_id = coalesce(w.host_id, $2)
    FROM taken
   WHERE w.id = taken.workspace_id
     AND (w.holder_task_id IS NULL OR w.holder_task_id = taken.id)
  RETURNING w.id, w.owner_id, w.name, w.path, w.fence
)
SELECT taken.*, held.owner_id, held.name, held.path, held.fence
  FROM due LEFT JOIN taken ON true LEFT JOIN held ON true

-- name: acquire_workspace
-- $1 task, $2 epoch, $3 worker, $4 host.
UPDATE workspaces w
   SET holder_task_id = t.id, fence = w.fence + 1, host_id = coalesce(w.host_id, $4)
  FROM tasks t
 WHERE t.id = $1 AND t.epoch = $2 AND t.worker_id = $3 AND w.id = t.workspace_id
   AND (w.holder_task_id IS NULL OR w.holder_task_id = t.id)
   AND (w.host_id IS NULL OR w.host_id = $4)
RETURNING w.id, w.owner_id, w.name, w.path, w.fence

-- name: claim_for_command
-- $1 worker, $2 task, $3 tasks that this worker knows to be its own, $4 contract version.
WITH due AS (
  SELECT t.id, t.worker_id IS NOT NULL AND t.worker_id <> $1 AS expired
    FROM tasks t
   WHERE t.id = $2 AND NOT t.final AND t.contract_version <= $4
     AND CASE WHEN t.worker_id IS NULL THEN true
              WHEN t.worker_id = $1 THEN t.id <> ALL ($3::uuid[])
              ELSE coalesce((SELECT lease_until <= now() FROM workers WHERE id = t.worker_id), true)
         END
     FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE tasks t
   SET worker_id = $1, epoch = t.epoch + 1,
       claims_since_progress = t.claims_since_progress + due.expired::int
  FROM due
 WHERE t.id = due.id
RETURNING t.id, t.epoch, t.version, t.inbox_seq, t.inbox_done, t.claims_since_progress, due.expired,
          now() AS at

-- name: history
SELECT checkpoint, checkpoint_seq, compacted_through FROM tasks WHERE id = $1

-- name: events_after
SELECT seq, epoch, type, command_id, payload, at
  FROM events WHERE task_id = $1 AND seq > $2 ORDER BY seq LIMIT $3

-- name: inbox
SELECT n, command_id, payload, author FROM inbox WHERE task_id = $1 AND n > $2 ORDER BY n

-- name: artifact
SELECT bytes FROM artifacts WHERE task_id = $1 AND name = $2

-- name: remembered
SELECT r.tool, r.what, r.decided_by
  FROM remembered_approvals r JOIN tasks t ON t.conversation_id = r.conversation_id
 WHERE t.id = $1

-- name: earlier
-- What had ended in the conversation before the task became active: the same rows for as long as
-- it lives. Both limits keep a claim as cheap in a long conversation as in a short one. No row:
-- there was nothing. Views hold goals and results cut to a few kilobytes.
SELECT me.ended_before, before.view ->> 'goal' AS goal, before.state,
       before.view ->> 'result' AS result, before.view -> 'error' ->> 'message' AS error,
       ARRAY(SELECT left(said.text, 2000)
               FROM (SELECT n, payload ->> 'text' AS text FROM inbox
                      WHERE task_id = before.id AND payload ->> 'type' = 'add_message'
                      ORDER BY n DESC LIMIT 5) AS said
              ORDER BY said.n) AS messages
  FROM tasks me
  JOIN tasks before ON before.conversation_id = me.conversation_id
   AND before.nth_ended <= me.ended_before
 WHERE me.id = $1 AND me.parent_id IS NULL AND me.ended_before > 0
 ORDER BY before.nth_ended DESC LIMIT $2

-- name: release
WITH released AS (
  UPDATE tasks
     SET worker_id = NULL,
         claims_since_progress = claims_since_progress + $5::boolean::int,
         due_at = CASE WHEN final THEN NULL ELSE now() + $4::interval END
   WHERE id = $1 AND epoch = $2 AND worker_id = $3
  RETURNING id, workspace_id
)
UPDATE workspaces w SET holder_task_id = NULL, fence = greatest(fence, $6::bigint)
  FROM released WHERE w.id = released.workspace_id AND w.holder_task_id = released.id

-- name: free
UPDATE tasks SET worker_id = NULL WHERE worker_id = $1 AND id = ANY ($2::uuid[])
