-- name: page
SELECT t.owner_id, t.view, t.size_bytes
  FROM tasks t JOIN conversations c ON c.id = t.conversation_id AND (NOT c.archived OR NOT t.final)
 WHERE t.owner_id = $1 AND ($2::uuid IS NULL OR t.id < $2)
 ORDER BY t.id DESC LIMIT $3

-- name: changed
-- There is no index on what each commit changes, which would make every commit dearer: tasks that
-- go on are looked up by their ids, and new ones by the index of an owner's list.
SELECT t.owner_id, t.view, t.size_bytes
  FROM unnest($1::uuid[], $2::bigint[]) AS known (id, seq)
  JOIN tasks t ON t.id = known.id AND t.version > known.seq
UNION ALL
SELECT t.owner_id, t.view, t.size_bytes
  FROM unnest($3::text[]) AS watched (owner_id)
  JOIN tasks t ON t.owner_id = watched.owner_id AND t.id > $4
 WHERE t.id <> ALL ($1)
