CREATE TABLE conversations (
  id uuid PRIMARY KEY,
  owner_id text NOT NULL,
  title text,
  archived boolean NOT NULL DEFAULT false,
  active_task_id uuid,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ON conversations (owner_id, created_at DESC);

CREATE TABLE workspaces (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id text NOT NULL,
  name text NOT NULL,
  path text,
  host_id text,
  holder_task_id uuid,
  fence bigint NOT NULL DEFAULT 0,
  UNIQUE (owner_id, name)
);

CREATE TABLE workers (
  id text PRIMARY KEY,
  host_id text NOT NULL,
  lease_until timestamptz NOT NULL,
  roles text[] NOT NULL,
  contract_version integer NOT NULL
);

-- Room in each page keeps the many updates of one row in its page, without touching an index.
CREATE TABLE tasks (
  id uuid PRIMARY KEY,
  owner_id text NOT NULL,
  conversation_id uuid NOT NULL REFERENCES conversations,
  parent_id uuid REFERENCES tasks,
  root_id uuid NOT NULL REFERENCES tasks,
  role text NOT NULL,
  workspace_id uuid NOT NULL REFERENCES workspaces,
  contract_version integer NOT NULL,
  traceparent text,
  state text NOT NULL,
  final boolean NOT NULL DEFAULT false,
  waiting_for text[] NOT NULL DEFAULT '{}',
  due_at timestamptz,
  worker_id text,
  epoch bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL,
  inbox_seq bigint NOT NULL DEFAULT 0,
  inbox_done bigint NOT NULL DEFAULT 0,
  claims_since_progress integer NOT NULL DEFAULT 0,
  view json NOT NULL,
  spent json NOT NULL DEFAULT '{}',
  checkpoint json,
  checkpoint_seq bigint NOT NULL DEFAULT 0,
  compacted_through bigint NOT NULL DEFAULT 0,
  size_bytes bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 60);

CREATE INDEX tasks_due ON tasks (due_at) WHERE NOT final AND due_at IS NOT NULL;

CREATE INDEX tasks_by_owner ON tasks (owner_id, id DESC);

CREATE INDEX tasks_by_conversation ON tasks (conversation_id, id DESC);

CREATE INDEX tasks_by_worker ON tasks (worker_id) WHERE worker_id IS NOT NULL;

CREATE INDEX tasks_by_parent ON tasks (parent_id) WHERE parent_id IS NOT NULL;

-- Its partitions are made by partitions.py: a task id begins with its time. There is no default
-- partition, so that making one never has to look through the rows of another.
CREATE TABLE events (
  task_id uuid NOT NULL,
  seq bigint NOT NULL,
  epoch bigint NOT NULL,
  type text NOT NULL,
  command_id text,
  commit_id uuid NOT NULL,
  payload json NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (task_id, seq)
) PARTITION BY RANGE (task_id);

CREATE FUNCTION refuse_to_edit_the_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events are append-only';
END $$;

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_edit_the_log();

CREATE TABLE inbox (
  task_id uuid NOT NULL REFERENCES tasks,
  n bigint NOT NULL,
  command_id text NOT NULL,
  payload json NOT NULL,
  author text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (task_id, n)
);

CREATE TABLE commands (
  owner_id text NOT NULL,
  command_id text NOT NULL,
  task_id uuid NOT NULL REFERENCES tasks DEFERRABLE INITIALLY DEFERRED,
  request_hash text NOT NULL,
  answer json NOT NULL,
  PRIMARY KEY (owner_id, command_id)
);

CREATE TABLE artifacts (
  task_id uuid NOT NULL REFERENCES tasks,
  name text NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (task_id, name)
);
