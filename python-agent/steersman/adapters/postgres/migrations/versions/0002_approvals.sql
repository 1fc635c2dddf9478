-- What the log says of approvals, in the shape that people ask for and decide by. Written by the
-- commits of the log; a decision that is posted sets the state first, so that it is taken once.
CREATE TABLE approvals (
  id uuid PRIMARY KEY,
  task_id uuid NOT NULL REFERENCES tasks,
  root_id uuid NOT NULL REFERENCES tasks,
  owner_id text NOT NULL,
  role text NOT NULL,
  tool text NOT NULL,
  arguments json NOT NULL,
  arguments_sha256 text NOT NULL,
  reason text NOT NULL,
  state text NOT NULL,
  requested_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  decided_by text,
  decided_at timestamptz,
  remember text
);

CREATE INDEX approvals_by_owner ON approvals (owner_id, id DESC);

CREATE INDEX approvals_pending ON approvals (owner_id, id DESC) WHERE state = 'pending';

CREATE TABLE remembered_approvals (
  conversation_id uuid NOT NULL REFERENCES conversations,
  tool text NOT NULL,
  what text NOT NULL,
  decided_by text NOT NULL,
  approval_id uuid NOT NULL REFERENCES approvals,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (conversation_id, tool, what)
);
