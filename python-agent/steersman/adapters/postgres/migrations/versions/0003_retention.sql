-- Neither a schema of the caller's nor a temporary table may stand in for ours in the function below.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- The counts change under the conversation's lock only. `ended_count` never falls: it numbers the
-- ends of root tasks, so what had ended before a task became active can be told at any later time.
ALTER TABLE conversations
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN task_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN ended_count bigint NOT NULL DEFAULT 0;

ALTER TABLE tasks
  ADD COLUMN goes_first boolean NOT NULL DEFAULT false,
  ADD COLUMN nth_ended bigint,
  ADD COLUMN ended_before bigint NOT NULL DEFAULT 0;

UPDATE tasks SET nth_ended = numbered.n
  FROM (SELECT id, row_number() OVER (PARTITION BY conversation_id ORDER BY updated_at, id) AS n
          FROM tasks WHERE final AND parent_id IS NULL) AS numbered
 WHERE tasks.id = numbered.id;

UPDATE conversations c
   SET updated_at = found.updated_at, task_count = found.tasks, ended_count = found.ended,
       title = coalesce(c.title, left(found.goals[1], 80))
  FROM (SELECT conversation_id, max(updated_at) AS updated_at, count(*) AS tasks,
               count(nth_ended) AS ended, array_agg(view ->> 'goal' ORDER BY id) AS goals
          FROM tasks WHERE parent_id IS NULL GROUP BY conversation_id) AS found
 WHERE found.conversation_id = c.id;

UPDATE tasks SET ended_before = c.ended_count FROM conversations c WHERE c.active_task_id = tasks.id;

DROP INDEX conversations_owner_id_created_at_idx;

CREATE INDEX conversations_by_activity
    ON conversations (owner_id, archived, updated_at DESC, id DESC);

CREATE INDEX tasks_by_end ON tasks (conversation_id, nth_ended) WHERE nth_ended IS NOT NULL;

CREATE INDEX tasks_by_root ON tasks (root_id);

CREATE INDEX commands_by_task ON commands (task_id);

CREATE INDEX approvals_by_task ON approvals (task_id);

CREATE INDEX approvals_by_root ON approvals (root_id);

CREATE INDEX remembered_by_approval ON remembered_approvals (approval_id);

-- The role that may delete events. Nobody logs in as it and no role of ours is a member of it: it
-- acts through delete_ended_trees only. Roles belong to the server, not to this database.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'steersman_retention') THEN
    CREATE ROLE steersman_retention NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;  -- another database was as quick
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the role steersman_retention is missing'
      USING HINT = format('CREATE ROLE steersman_retention NOLOGIN; '
                          'GRANT steersman_retention TO %I;', current_user);
END $$;

-- For each row, because only such triggers are also those of every partition, now and later.
DROP TRIGGER events_are_append_only ON events;

CREATE OR REPLACE FUNCTION refuse_to_edit_the_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_user = 'steersman_retention' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'events are append-only';
END $$;

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON events
  FOR EACH ROW EXECUTE FUNCTION refuse_to_edit_the_log();

CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_edit_the_log();

-- partitions.py does the same for those that it makes.
DO $$
DECLARE
  part regclass;
BEGIN
  FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'events'::regclass LOOP
    EXECUTE format('CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_edit_the_log()', part);
  END LOOP;
END $$;

-- Delete whole trees that have ended, with all that hangs on them. Roots that are locked, not
-- final or not roots are passed over. Events between dropped_from[i] and dropped_to[i] are left
-- for whoever drops their partition. Locks go from conversation to task, as everywhere.
CREATE FUNCTION delete_ended_trees(roots uuid[], dropped_from uuid[], dropped_to uuid[])
  RETURNS TABLE (task uuid, root uuid, owner text, workspace uuid, event_count bigint, bytes bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  ended uuid[];
  tree uuid[];
  touched uuid[];
BEGIN
  touched := ARRAY(SELECT DISTINCT t.conversation_id FROM tasks t WHERE t.id = ANY (roots));
  PERFORM FROM conversations c WHERE c.id = ANY (touched) ORDER BY c.id FOR NO KEY UPDATE;
  ended := ARRAY(
    SELECT t.id FROM tasks t
     WHERE t.id = ANY (roots) AND t.parent_id IS NULL AND t.final
       AND NOT EXISTS (SELECT FROM tasks c WHERE c.root_id = t.id AND NOT c.final)
       FOR UPDATE SKIP LOCKED);
  tree := ARRAY(SELECT t.id FROM tasks t WHERE t.root_id = ANY (ended));
  UPDATE conversations c SET task_count = c.task_count - gone.n
    FROM (SELECT t.conversation_id AS id, count(*) AS n
            FROM tasks t WHERE t.id = ANY (ended) GROUP BY 1) AS gone
   WHERE c.id = gone.id;
  DELETE FROM inbox i WHERE i.task_id = ANY (tree);
  DELETE FROM commands c WHERE c.task_id = ANY (tree);
  DELETE FROM artifacts a WHERE a.task_id = ANY (tree);
  DELETE FROM remembered_approvals r USING approvals a
   WHERE r.approval_id = a.id AND a.task_id = ANY (tree);
  DELETE FROM approvals a WHERE a.task_id = ANY (tree);
  DELETE FROM events e
   WHERE e.task_id = ANY (tree)
     AND NOT EXISTS (SELECT FROM unnest(dropped_from, dropped_to) AS dropped (start, stop)
                      WHERE e.task_id >= dropped.start AND e.task_id < dropped.stop);
  RETURN QUERY
    DELETE FROM tasks t WHERE t.id = ANY (tree)
    RETURNING t.id, t.root_id, t.owner_id, t.workspace_id, t.version, t.size_bytes;
  DELETE FROM conversations c WHERE c.id = ANY (touched) AND c.task_count = 0;
END $$;

REVOKE EXECUTE ON FUNCTION delete_ended_trees FROM PUBLIC;

GRANT EXECUTE ON FUNCTION delete_ended_trees TO CURRENT_USER;

GRANT SELECT, DELETE ON events, inbox, commands, artifacts, approvals, remembered_approvals
   TO steersman_retention;

GRANT SELECT, UPDATE, DELETE ON tasks, conversations TO steersman_retention;

-- Who is no superuser must be a member for the moment in which the function changes hands.
DO $$
DECLARE
  is_member boolean := pg_has_role(current_user, 'steersman_retention', 'MEMBER');
BEGIN
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO steersman_retention', current_schema());
  IF NOT is_member THEN
    EXECUTE format('GRANT steersman_retention TO %I', current_user);
  END IF;
  ALTER FUNCTION delete_ended_trees OWNER TO steersman_retention;
  IF NOT is_member THEN
    EXECUTE format('REVOKE steersman_retention FROM %I', current_user);
  END IF;
  EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM steersman_retention', current_schema());
END $$;
