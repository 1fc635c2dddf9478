-- A commit changes it only when a task ends, and then tasks_due changes as well.
CREATE INDEX tasks_going_by_owner ON tasks (owner_id) WHERE NOT final;
