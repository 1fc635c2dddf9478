"""`make bench`: what a step, a commit and a watcher cost. Quote ratios: machines are noisy."""

import asyncio

from tests.bench import commit_latency, watchers
from tests.bench.step_overhead import Load, growth, measure, report

_MANY = Load(tasks=200, steps=20, at_once=8)
_ALONE = Load(tasks=20, steps=20, at_once=1)
_LONG = Load(tasks=2, steps=205, at_once=1)
_WRITERS = (1, 8, 32)
_COMMITS = 500


async def main() -> None:
    """Run everything, one load after the other."""
    for load in (_MANY, _ALONE):
        print("\n".join(report(await measure(load))), flush=True)
    print(f"{_LONG.tasks} tasks of {_LONG.steps} steps, one at a time:")
    print("\n".join(growth(await measure(_LONG), (5, 20, 50, 100, 150, 200))), flush=True)
    for writers in _WRITERS:
        await commit_latency.run(writers, _COMMITS)
    await watchers.run()


if __name__ == "__main__":
    asyncio.run(main())
