-- A workspace's row may go when no task points at it.
CREATE INDEX tasks_by_workspace ON tasks (workspace_id);

-- Stored as they are: a commit does not pay for compression, and knows the size of what it writes.
ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL;

ALTER TABLE artifacts ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- From here on size_bytes counts rows, not texts. Those that were compressed count as compressed.
UPDATE tasks t
   SET size_bytes = (SELECT coalesce(sum(pg_column_size(e.*)), 0)
                       FROM events e WHERE e.task_id = t.id)
                  + (SELECT coalesce(sum(pg_column_size(a.bytes)), 0)
                       FROM artifacts a WHERE a.task_id = t.id);
