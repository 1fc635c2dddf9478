-- name: list
-- The index holds this order, so a page costs the same however many conversations there are.
SELECT id, title, archived, active_task_id, task_count, created_at, updated_at
  FROM conversations
 WHERE owner_id = $1 AND archived = $2
   AND ($3::timestamptz IS NULL OR (updated_at, id) < ($3, $4::uuid))
 ORDER BY updated_at DESC, id DESC LIMIT $5

-- name: change
UPDATE conversations
   SET title = coalesce($3, title), archived = coalesce($4, archived)
 WHERE id = $1 AND owner_id = $2
RETURNING id, title, archived, active_task_id, task_count, created_at, updated_at
