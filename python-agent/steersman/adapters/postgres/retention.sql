-- name: whole_tree
SELECT parent_id IS NULL AS is_root, root_id FROM tasks WHERE id = $1 AND owner_id = $2

-- name: delete
SELECT * FROM delete_ended_trees($1, $2, $3)

-- name: old_roots
-- Trees that ended before $1, in the order of their ids, past $2. $3 is the lowest id that a task
-- made since $1 can have. The first is always among them, others while there is room for events.
WITH old AS (
  SELECT t.id FROM tasks t
   WHERE t.id > $2 AND t.id < $3 AND t.parent_id IS NULL AND t.final AND t.updated_at < $1
     AND NOT EXISTS (SELECT FROM tasks c
                      WHERE c.root_id = t.id AND (NOT c.final OR c.updated_at >= $1))
   ORDER BY t.id LIMIT $4
), measured AS (
  SELECT old.id, sum(m.tasks) OVER w AS tasks, sum(m.events) OVER w AS events,
         m.tasks AS own_tasks, m.events AS own_events, m.bytes
    FROM old CROSS JOIN LATERAL (
      SELECT count(*) AS tasks, sum(version) AS events, sum(size_bytes) AS bytes
        FROM tasks WHERE root_id = old.id) AS m
  WINDOW w AS (ORDER BY old.id)
)
SELECT id, own_tasks AS tasks, own_events::bigint AS events, bytes::bigint FROM measured
 WHERE events - own_events < $5 ORDER BY id

-- name: months
-- The partitions of whole months, with whether we may drop them.
SELECT c.relname AS name, pg_has_role(c.relowner, 'USAGE') AS is_ours
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_\d{4}_\d{2}$'
 ORDER BY c.relname

-- name: keeps_any
-- Whether a month's partition holds a task that must stay.
SELECT EXISTS (
  SELECT FROM tasks t
   WHERE t.id >= $2 AND t.id < $3
     AND EXISTS (SELECT FROM tasks c
                  WHERE c.root_id = t.root_id AND (NOT c.final OR c.updated_at >= $1)))

-- name: is_empty
SELECT NOT EXISTS (SELECT FROM tasks WHERE id >= $1 AND id < $2)
