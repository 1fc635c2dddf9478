"""I9 as PostgreSQL itself sees it: under which epoch each event was let in.

The log alone cannot tell it. A worker that was thought dead and still commits before its successor
does leaves epochs that rise. So a trigger notes, in the transaction that writes an event, which
epoch the task's row has then.
"""

from steersman.adapters.postgres.pool import Connection

_INSTALL = """
CREATE TABLE witnessed (task_id uuid, seq bigint, epoch bigint, PRIMARY KEY (task_id, seq));
CREATE FUNCTION bear_witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO witnessed
  VALUES (NEW.task_id, NEW.seq, (SELECT epoch FROM tasks WHERE id = NEW.task_id));
  RETURN NEW;
END $$;
CREATE TRIGGER witness BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION bear_witness();
"""
# An event that nobody saw counts too: a witness who slept has seen nothing wrong. Only the first
# event of a task comes with its row.
_ZOMBIES = """
SELECT count(*) FROM events e LEFT JOIN witnessed w USING (task_id, seq)
 WHERE w.epoch IS DISTINCT FROM e.epoch AND e.seq > 1
"""


async def install_witness(connection: Connection) -> None:
    """Note from now on which epoch a task has when an event is written."""
    await connection.execute(_INSTALL)


async def committed_by_zombies(connection: Connection) -> int:
    """Count events of another epoch than the task's at their commit."""
    count: int = await connection.fetchval(_ZOMBIES)
    return count
