"""What this host keeps of tasks that are gone: found by comparison with the store, and removed.

Of a workspace that no task uses any more everything that was kept outside of it goes (history,
exit records, fences), and the directory too if it was a conversation's own. One that a person has
named, put or works in stays as it is. Where tasks still stand only what belonged to others goes.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from steersman.adapters.git.history import ShadowHistory
from steersman.adapters.git.program import GitFailed, GitMissing
from steersman.adapters.postgres.workspaces import Abandoned, AbandonedWorkspaces, Clearing
from steersman.adapters.sandbox.fence import take_over
from steersman.adapters.sandbox.records import forget_old
from steersman.adapters.trees.removal import remove_tree
from steersman.app.places import Places
from steersman.app.threads import in_thread
from steersman.core.errors import LeaseLost, RequestError, StoreUnavailable, Unavailable
from steersman.core.ids import TaskId

_LIMIT = timedelta(minutes=5)
_log = logging.getLogger(__name__)


class HostLeftovers:
    """The port Leftovers, over the folders of this host."""

    def __init__(self, places: Places, workspaces: AbandonedWorkspaces) -> None:
        self._places = places
        self._workspaces = workspaces

    async def clear(self, workspace_ids: Collection[str] | None = None) -> int:
        """Remove what belongs to no task any more; what cannot be removed now stays for later."""
        if workspace_ids is None:
            unused = await self._workspaces.unused()
            workspace_ids = {*unused, *await self._with_strangers()}
        async with self._workspaces.clearing() as clearing:
            cleared = [await self._clear(clearing, each) for each in sorted(workspace_ids)]
        return sum(cleared)

    async def _with_strangers(self) -> list[str]:
        """Name the workspaces in which something is kept of tasks that are gone."""
        kept = await asyncio.to_thread(_kept, self._places)
        task_ids = {task_id for each in kept.values() for task_id in each}
        gone = await self._workspaces.gone(tuple(task_ids))
        return [workspace_id for workspace_id, each in kept.items() if each & gone]

    async def _clear(self, clearing: Clearing, workspace_id: str) -> bool:
        try:
            async with clearing.locked(workspace_id) as abandoned:
                return abandoned is not None and await self._remove(abandoned)
        except StoreUnavailable:
            raise
        except (GitFailed, GitMissing, LeaseLost, OSError, RequestError, Unavailable) as error:
            fields = {"action": "leftovers", "workspace_id": workspace_id, "reason": str(error)}
            _log.warning("leftovers_stay", extra=fields)
            return False

    async def _remove(self, abandoned: Abandoned) -> bool:
        ref, state = abandoned.ref, self._places.state(abandoned.ref)
        if state.exists():
            # A command that nobody waits for any more may still run there.
            await take_over(state, ref.fence + 1)
        if abandoned.tasks:
            return await in_thread(lambda _: _thin_out(state, abandoned.tasks), _LIMIT)
        folders = [state]
        if abandoned.was_a_conversations:
            folders.insert(0, self._places.directory(ref))
        return await in_thread(lambda _: _remove_all(folders), _LIMIT)


def _kept(places: Places) -> Mapping[str, frozenset[TaskId]]:
    """Return of which tasks something is kept, by workspace."""
    if not places.states.is_dir():
        return {}
    return {state.name: _tasks_in(state) for state in places.states.iterdir()}


def _tasks_in(state: Path) -> frozenset[TaskId]:
    reasons = state / "without-start"
    without = reasons.iterdir() if reasons.is_dir() else ()
    return _history(state).starts() | {TaskId(path.name) for path in without}


def _thin_out(state: Path, stay: frozenset[TaskId]) -> bool:
    """Remove what was kept of others. No task is unfinished, so nobody waits for a record."""
    others = _tasks_in(state) - stay
    forget_old(state, timedelta())
    for task_id in others:
        (state / "without-start" / task_id).unlink(missing_ok=True)
    history = _history(state)
    if starts := others & history.starts():
        history.forget(starts)
    return bool(others)


def _remove_all(folders: Iterable[Path]) -> bool:
    found = [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]
    for folder in found:
        remove_tree(folder)
        if folder.exists():
            raise OSError(f"{folder} could not be removed")
    return bool(found)


def _history(state: Path) -> ShadowHistory:
    return ShadowHistory(state / "history.git", limit=_LIMIT)
