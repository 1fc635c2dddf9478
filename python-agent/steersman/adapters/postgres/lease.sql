-- name: beat
-- $6: the lease was given up for lost here, or it has ended there; either way others may have been
-- told that our tasks are free, so they are. Rows of workers that are long gone are swept out.
WITH mine AS (
  SELECT $6::boolean OR lease_until <= now() AS is_lost FROM workers WHERE id = $1
), freed AS (
  UPDATE tasks SET worker_id = NULL WHERE worker_id = $1 AND (SELECT is_lost FROM mine)
), swept AS (
  DELETE FROM workers WHERE lease_until < now() - interval '1 day' AND id <> $1
)
INSERT INTO workers (id, host_id, roles, contract_version, lease_until)
VALUES ($1, $2, $3, $4, now() + $5::interval)
ON CONFLICT (id) DO UPDATE SET lease_until = EXCLUDED.lease_until

-- name: end
UPDATE workers SET lease_until = now() WHERE id = $1
