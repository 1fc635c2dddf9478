-- name: unused
-- Workspaces of host $1 that no task uses any more, or those of $2 among them. One that no worker
-- has ever opened is of no host.
SELECT w.id FROM workspaces w
 WHERE (w.host_id = $1 OR w.host_id IS NULL) AND w.holder_task_id IS NULL
   AND ($2::uuid[] IS NULL OR w.id = ANY ($2))
   AND NOT EXISTS (SELECT FROM tasks WHERE workspace_id = w.id)

-- name: gone
SELECT id FROM unnest($1::uuid[]) AS named (id)
 WHERE NOT EXISTS (SELECT FROM tasks WHERE id = named.id)

-- name: lock
-- Claims pass over a locked workspace. What an unfinished task left is still needed, even while
-- nobody works on it.
SELECT w.id, w.owner_id, w.name, w.path, w.fence FROM workspaces w
 WHERE w.id = $1 AND (w.host_id = $2 OR w.host_id IS NULL) AND w.holder_task_id IS NULL
   AND NOT EXISTS (SELECT FROM tasks WHERE workspace_id = w.id AND NOT final)
   FOR NO KEY UPDATE SKIP LOCKED

-- name: tasks
SELECT id FROM tasks WHERE workspace_id = $1

-- name: has_conversation
SELECT EXISTS (SELECT FROM conversations WHERE id = $1)

-- name: delete
DELETE FROM workspaces w
 WHERE w.id = $1 AND NOT EXISTS (SELECT FROM tasks WHERE workspace_id = w.id)
