-- name: why
-- What `claim` in journal.sql asks for, one condition a column.
SELECT t.id, t.state, t.final, t.waiting_for, t.role, now() AS now, t.due_at, t.worker_id,
       (SELECT lease_until FROM workers WHERE id = t.worker_id) AS lease_until,
       (SELECT active_task_id FROM conversations WHERE id = t.conversation_id) AS active_task,
       t.root_id, w.holder_task_id, w.host_id, t.contract_version, live.*
  FROM tasks t
  JOIN workspaces w ON w.id = t.workspace_id
 CROSS JOIN LATERAL (
   SELECT count(*) AS players,
          count(*) FILTER (WHERE k.contract_version >= t.contract_version) AS readers,
          count(*) FILTER (WHERE k.contract_version >= t.contract_version
                             AND (w.host_id IS NULL OR w.host_id = k.host_id)) AS neighbours
     FROM workers k WHERE k.lease_until > now() AND t.role = ANY (k.roles)
 ) AS live
 WHERE t.id = $1
