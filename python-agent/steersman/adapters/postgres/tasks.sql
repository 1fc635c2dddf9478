-- name: keep_command
-- Waits for a transaction that is keeping the same id just now.
INSERT INTO commands (owner_id, command_id, task_id, request_hash, answer)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true

-- name: kept_command
SELECT request_hash, answer FROM commands WHERE owner_id = $1 AND command_id = $2

-- name: enter_conversation
-- Makes the conversation or locks it, in one statement, so that it cannot be deleted in between.
-- No row: it is somebody else's. Who speaks again in an archived conversation wants it back.
INSERT INTO conversations AS c (id, owner_id, title, task_count) VALUES ($1, $2, $3, 1)
ON CONFLICT (id) DO UPDATE
   SET task_count = c.task_count + 1, updated_at = now(), archived = false
 WHERE c.owner_id = EXCLUDED.owner_id
RETURNING active_task_id, ended_count

-- name: activate
UPDATE conversations SET active_task_id = $2 WHERE id = $1

-- name: make_workspace
INSERT INTO workspaces (owner_id, name, path, host_id) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING

-- name: workspace
-- Waits for whoever deletes it just now, and finds nothing then.
SELECT id, owner_id, name, path, fence FROM workspaces WHERE owner_id = $1 AND name = $2
   FOR KEY SHARE

-- name: lock_workspace
SELECT id, owner_id, name, path, fence, holder_task_id
  FROM workspaces WHERE owner_id = $1 AND name = $2 FOR NO KEY UPDATE

-- name: workspace_of
SELECT w.id, w.owner_id, w.name, w.path, w.fence
  FROM tasks t JOIN workspaces w ON w.id = t.workspace_id WHERE t.id = $1

-- name: make_task
INSERT INTO tasks (id, owner_id, conversation_id, parent_id, root_id, role, workspace_id,
                   contract_version, state, version, view, created_at, updated_at, due_at,
                   size_bytes, ended_before, goes_first)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, CASE WHEN $13 THEN now() END,
        pg_column_size(ROW($1::uuid, 1::bigint, 0::bigint, 'task_submitted'::text, NULL::text,
                           $1::uuid, $14::text, $12::timestamptz)),
        $15, $16)

-- name: make_event
INSERT INTO events (task_id, seq, epoch, type, command_id, payload, at, commit_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: lock_task
SELECT state, final FROM tasks WHERE id = $1 AND owner_id = $2 FOR NO KEY UPDATE

-- name: post
WITH grown AS (
  UPDATE tasks SET inbox_seq = inbox_seq + 1, due_at = least(due_at, now())
   WHERE id = $1 AND NOT final RETURNING id, inbox_seq
)
INSERT INTO inbox (task_id, n, command_id, payload, author)
SELECT id, inbox_seq, $2, $3, $4 FROM grown

-- name: lock_below
-- The next level below tasks that are locked; under the lock nothing can be added to it.
SELECT id FROM tasks WHERE parent_id = ANY ($1::uuid[]) AND NOT final
 ORDER BY id FOR NO KEY UPDATE

-- name: tree
-- A tree is read, not kept. The depth of trees is limited, so this ends.
WITH RECURSIVE tree AS (
  SELECT id, parent_id, view, size_bytes FROM tasks WHERE id = $1 AND owner_id = $2
  UNION ALL
  SELECT t.id, t.parent_id, t.view, t.size_bytes FROM tree JOIN tasks t ON t.parent_id = tree.id
)
SELECT * FROM tree ORDER BY id

-- name: child
-- A model may ask for any text, so the id is compared as one.
SELECT view FROM tasks WHERE parent_id = $1 AND id::text = $2

-- name: view
SELECT view, size_bytes FROM tasks WHERE id = $1 AND owner_id = $2

-- name: list
SELECT id, view, size_bytes FROM tasks
 WHERE owner_id = $1
   AND (cardinality($2::text[]) = 0 OR state = ANY ($2))
   AND ($3::uuid IS NULL OR conversation_id = $3)
   AND ($4::uuid IS NULL OR id < $4)
 ORDER BY id DESC LIMIT $5

-- name: events_after
SELECT seq, epoch, type, command_id, payload, at
  FROM events WHERE task_id = $1 AND seq > $2 ORDER BY seq LIMIT $3

-- name: new_events
-- A task that has not changed costs a look at its row, and none at its log.
SELECT e.task_id, e.seq, e.epoch, e.type, e.command_id, e.payload, e.at
  FROM unnest($1::uuid[], $2::bigint[]) AS watched (task_id, after)
  JOIN tasks t ON t.id = watched.task_id AND t.version > watched.after
 CROSS JOIN LATERAL (
   SELECT * FROM events
    WHERE task_id = watched.task_id AND seq > watched.after ORDER BY seq LIMIT $3
 ) AS e
 LIMIT $3

-- name: gone
SELECT id FROM unnest($1::uuid[]) AS watched (id)
 WHERE NOT EXISTS (SELECT FROM tasks WHERE id = watched.id)

-- name: artifact
SELECT bytes FROM artifacts WHERE task_id = $1 AND name = $2
