-- name: numbers
-- No index is on what each commit changes, which would make every commit dearer. What was spent
-- lately is found by conversations: one goes on, or noted the end of its task. A task that is younger
-- than `since` has its sum in its row; of an older one the log knows which part is of late.
WITH going AS (
  SELECT state, conversation_id FROM tasks WHERE owner_id = $1 AND NOT final
), lively AS (
  SELECT conversation_id AS id FROM going
   UNION
  SELECT id FROM conversations
   WHERE owner_id = $1 AND archived = ANY (ARRAY[false, true]) AND updated_at >= $2
), worked AS (
  SELECT t.id, t.created_at >= $2 AS is_young, t.spent
    FROM lively JOIN tasks t ON t.conversation_id = lively.id AND t.updated_at >= $2
), spent AS (
  SELECT spent AS used FROM worked WHERE is_young
   UNION ALL
  SELECT used FROM worked CROSS JOIN LATERAL (
    -- OFFSET 0: one task's log after the other, never all logs for the sake of many tasks.
    SELECT payload -> 'usage' AS used FROM events
     WHERE task_id = worked.id AND at >= $2 AND type = ANY ($3) OFFSET 0
  ) AS log WHERE NOT is_young
)
SELECT (SELECT count(*) FROM going WHERE state = 'queued') AS queued,
       (SELECT count(*) FROM going WHERE state = 'running') AS running,
       (SELECT count(*) FROM going WHERE state = 'waiting') AS waiting,
       (SELECT count(*) FROM approvals
         WHERE owner_id = $1 AND state = 'pending' AND expires_at > now()) AS pending_approvals,
       coalesce(sum((used ->> 'input_tokens')::bigint), 0)::bigint AS input_tokens,
       coalesce(sum((used ->> 'output_tokens')::bigint), 0)::bigint AS output_tokens,
       coalesce(sum((used ->> 'cost_usd')::double precision), 0) AS cost_usd
  FROM spent
