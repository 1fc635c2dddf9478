"""Tell those who watch a person's tasks of each that changes: one query for all who are watched.

Looked at are the tasks that go on, by their ids, and what is new. A new task is one whose id is of
the last minutes: ids are made by clocks that may differ a little, and rows are seen late.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

from steersman.core.clock import Clock, SystemClock
from steersman.core.errors import StoreUnavailable
from steersman.core.ids import ENTROPY_BYTES, OwnerId, TaskId, uuid7
from steersman.core.ledger import DUE
from steersman.core.owner_views import OwnedView, OwnerViews
from steersman.core.ports import Hints
from steersman.core.tasks import FINAL_STATES

_PAGE = 100
_NEW = timedelta(minutes=10)
_PAUSE_SECONDS = 0.05
_RETRY_SECONDS = 1.0


class OwnerWatch:
    """What one subscription knows of its owner's tasks."""

    def __init__(self, owner_id: OwnerId, show: Callable[[OwnedView], None]) -> None:
        self.owner_id = owner_id
        self.known: dict[TaskId, int] = {}
        self.going: set[TaskId] = set()
        self._show = show

    def see(self, owned: OwnedView) -> None:
        """Show a view that is news."""
        if owned.seq <= self.known.get(owned.task_id, 0):
            return
        self.known[owned.task_id] = owned.seq
        if owned.view["state"] in FINAL_STATES:
            self.going.discard(owned.task_id)
        else:
            self.going.add(owned.task_id)
        self._show(owned)

    def forget_before(self, task_id: TaskId) -> None:
        """Forget what has ended and is no longer new: it will not be read again."""
        for known in [k for k in self.known if k < task_id and k not in self.going]:
            del self.known[known]


class OwnerFeed:
    """All owner watches of a connection. `run` looks after them."""

    def __init__(self, views: OwnerViews, hints: Hints, clock: Clock | None = None) -> None:
        self._views = views
        self._hints = hints
        self._clock = clock or SystemClock()
        self._watches: set[OwnerWatch] = set()
        self._listening: dict[TaskId, Callable[[], None]] = {}
        self._wake = asyncio.Event()

    @contextmanager
    def follow(self, owner_id: OwnerId, show: Callable[[OwnedView], None]) -> Generator[OwnerWatch]:
        """Call `show` with each view that changes, while the block runs."""
        watch = OwnerWatch(owner_id, show)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def show_all(self, watch: OwnerWatch, has_room: Callable[[], Awaitable[object]]) -> None:
        """Show what there is, page by page, each when there is room for it."""
        before: TaskId | None = None
        while True:
            await has_room()
            try:
                page = await self._views.page(watch.owner_id, before, _PAGE)
            except StoreUnavailable:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            for owned in page:
                watch.see(owned)
            self._wake.set()
            if len(page) < _PAGE:
                return
            before = page[-1].task_id

    async def run(self) -> None:
        """Look for changes on hints, and each second, because hints may be lost."""
        with ExitStack() as stack:
            stack.callback(self._hints.listen(DUE, self._wake.set))
            stack.callback(self._listen_to, frozenset[TaskId]())
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(random.uniform(0.75, 1.25)):
                        await self._wake.wait()
                self._wake.clear()
                if self._watches:
                    await self._look()
                self._listen_to(frozenset[TaskId]().union(*(w.going for w in self._watches)))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _look(self) -> None:
        floor = TaskId(uuid7(self._clock.now() - _NEW, bytes(ENTROPY_BYTES)))
        for watch in self._watches:
            watch.forget_before(floor)
        owners = {watch.owner_id for watch in self._watches}
        try:
            changed = await self._views.changed(self._known(floor), tuple(owners), floor)
        except StoreUnavailable:
            return
        for owned in changed:
            for watch in tuple(self._watches):
                if watch.owner_id == owned.owner_id:
                    watch.see(owned)

    def _known(self, floor: TaskId) -> dict[TaskId, int]:
        """Return the seq that every watch of a task's owner has seen.

        A new task that one of them has seen and another has not is as good as unseen; an old one
        comes to the other by its pages.
        """
        by_owner: dict[OwnerId, list[dict[TaskId, int]]] = {}
        for watch in self._watches:
            by_owner.setdefault(watch.owner_id, []).append(watch.known)
        return {
            task_id: min(
                seqs.get(task_id, 0) for seqs in every if task_id in seqs or task_id > floor
            )
            for every in by_owner.values()
            for task_id in set[TaskId]().union(*every)
        }

    def _listen_to(self, task_ids: frozenset[TaskId]) -> None:
        for gone in self._listening.keys() - task_ids:
            self._listening.pop(gone)()
        for new in task_ids - self._listening.keys():
            self._listening[new] = self._hints.listen(new, self._wake.set)
