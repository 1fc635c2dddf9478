"""Whatever happens in whatever order, each watcher sees the log once, and no text that is void."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steersman.core.deltas import Delta
from steersman.core.errors import StoreUnavailable
from steersman.core.events import Envelope, TaskClaimed, TaskStopped, ThoughtRecorded
from tests.agent.core.making import claimed, said, thought
from tests.agent.core.watching import Ground, Item, VirtualTime, seqs

Step = tuple[str, int, float]
"""What happens, how much of it, and how many seconds later the next thing does."""

KINDS = ("commit", "quiet", "stream", "think", "takeover", "watch", "slow", "outage", "repair")
steps = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 90),
        st.sampled_from([0.0, 0.0005, 0.002, 0.3, 1.5]),
    ),
    max_size=40,
)


def truth(epoch: int, step: int) -> str:
    """Return what the model says in a thought: every part of it is different."""
    return "".join(f"{epoch}.{step}.{n}\N{ROCKET}" for n in range(100))


@dataclass
class Watcher:
    """A watcher that came when the log was `after` events long, and what it got."""

    after: int
    items: list[Item] = field(default_factory=list[Item])


class Story:
    """A task's life as the steps tell it."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._streamed = 0
        self.watchers: list[Watcher] = []

    async def play(self, told: list[Step]) -> None:
        """Do the steps, end the task, and wait until every watcher has seen the end."""
        async with asyncio.TaskGroup() as group:
            await self._begin_epoch()
            for kind, amount, pause in told:
                await self._do(kind, amount, group)
                await asyncio.sleep(pause)
            self._ground.log.failure = None
            await self._ground.commit(TaskStopped(by="me"), hint=False)

    async def _do(self, kind: str, amount: int, group: asyncio.TaskGroup) -> None:
        match kind:
            case "commit" | "quiet":
                await self._ground.commit(*[said()] * (amount + 1), hint=kind == "commit")
            case "stream":
                self._stream(amount)
            case "think":
                self._end_thought()
                await self._ground.commit(thought(step=self._ground.step + 1), hint=amount % 2 == 0)
            case "takeover":
                await self._begin_epoch()
            case "watch" | "slow":
                watcher = Watcher(after=amount % (self._ground.version + 1))
                self.watchers.append(watcher)
                pace = 0.0 if kind == "watch" else 0.02
                group.create_task(self._ground.watch(watcher.after, watcher.items, pace=pace))
            case _:
                self._ground.log.failure = StoreUnavailable() if kind == "outage" else None

    async def _begin_epoch(self) -> None:
        self._end_thought()
        await self._ground.take_over()
        await self._ground.commit(claimed())

    def _end_thought(self) -> None:
        self._streamed = 0
        self._ground.deltas.end(self._ground.task_id)

    def _stream(self, amount: int) -> None:
        """Say a little more; what was said last may be said again with it."""
        units = truth(self._ground.claim.epoch, self._ground.step + 1).encode("utf-16-le")
        start = max(self._streamed - amount % 3, 0)
        end = min(start + amount, len(units) // 2)
        piece = units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        self._ground.say(start, piece)
        self._streamed = max(self._streamed, end)


def check(watcher: Watcher, log: tuple[Envelope, ...]) -> None:
    """Hold what a watcher got against the log and against what the model said."""
    assert seqs(watcher.items) == list(range(watcher.after + 1, len(log) + 1))
    epoch, step, end = 0, 0, 0
    known = [e for e in log if e.seq <= watcher.after]
    for item in [*known, *watcher.items]:
        if isinstance(item, Delta):
            units = truth(epoch, step + 1).encode("utf-16-le")
            piece = item.text.encode("utf-16-le", "surrogatepass")
            assert (item.epoch, item.step, item.offset) == (epoch, step + 1, end)
            assert piece == units[2 * end : 2 * end + len(piece)]
            end += len(piece) // 2
        else:
            ends = isinstance(item.event, ThoughtRecorded | TaskClaimed)
            step += isinstance(item.event, ThoughtRecorded)
            epoch, end = item.epoch, 0 if ends else end


def run(told: list[Step]) -> None:
    async def live() -> None:
        ground = await Ground.make()
        story = Story(ground)
        await story.play(told)
        log = await ground.log.events(ground.task_id, 0, ground.version)
        for watcher in story.watchers:
            check(watcher, log)

    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        runner.run(live())


@settings(max_examples=50, deadline=None, derandomize=True)
@given(told=steps)
@example(told=[("watch", 0, 0.3), ("quiet", 80, 0.0), ("stream", 9, 0.0), ("slow", 1, 0.0)])
def test_each_watcher_sees_each_event_once_in_order_whatever_happens(told: list[Step]) -> None:
    run(told)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=3_000, deadline=None)
@given(told=steps)
def test_so_it_is_in_many_more_lives(told: list[Step]) -> None:
    run(told)
