-- name: approval
-- Nobody can decide it any more from its time on, also while no worker has written that down.
SELECT *, CASE WHEN state = 'pending' AND expires_at <= now() THEN 'expired' ELSE state END AS now
  FROM approvals WHERE id = $1 AND owner_id = $2

-- name: list
SELECT *
  FROM (SELECT *, CASE WHEN state = 'pending' AND expires_at <= now() THEN 'expired'
                       ELSE state END AS now FROM approvals) AS a
 WHERE owner_id = $1
   AND (cardinality($2::text[]) = 0 OR now = ANY ($2))
   AND ($3::uuid IS NULL OR root_id = $3)
   AND ($4::uuid IS NULL OR id < $4)
 ORDER BY id DESC LIMIT $5

-- name: rule
-- The task's row is locked, so no commit can expire or withdraw it meanwhile.
UPDATE approvals
   SET state = $4, decided_by = $5, decided_at = now(), remember = $6
 WHERE id = $1 AND task_id = $2 AND arguments_sha256 = $3
   AND state = 'pending' AND expires_at > now()
RETURNING tool

-- name: remember
INSERT INTO remembered_approvals (conversation_id, tool, what, decided_by, approval_id)
SELECT conversation_id, $2, $3, $4, $5 FROM tasks WHERE id = $1
ON CONFLICT DO NOTHING

-- name: keep_artifacts
WITH kept AS (
  INSERT INTO artifacts (task_id, name, bytes)
  SELECT $1, a.name, a.bytes FROM unnest($2::text[], $3::bytea[]) AS a (name, bytes)
  ON CONFLICT DO NOTHING RETURNING task_id, name, bytes
)
UPDATE tasks
   SET size_bytes = size_bytes + (SELECT coalesce(sum(pg_column_size(kept.*)), 0) FROM kept)
 WHERE id = $1
