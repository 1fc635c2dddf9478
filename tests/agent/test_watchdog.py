"""Whether a loop gets on, asked from another thread."""

import asyncio
import threading
import time

from steersman.app.watchdog import LoopWatch


def _ask(watch: LoopWatch, times: int) -> list[float]:
    answers: list[float] = []
    for _ in range(times):
        answers.append(watch.silence())
        time.sleep(0.02)
    return answers


async def test_a_loop_that_gets_on_owes_no_answer_for_long() -> None:
    answers = await asyncio.to_thread(_ask, LoopWatch(), 20)
    assert answers[0] == 0.0
    assert sorted(answers)[10] == 0.0


async def test_a_loop_that_stands_still_is_silent_from_the_moment_it_was_asked() -> None:
    watch, answers = LoopWatch(), list[float]()
    asking = threading.Thread(target=lambda: answers.extend(_ask(watch, 10)))
    asking.start()
    asking.join()  # the loop stands still meanwhile
    assert answers[0] == 0.0
    assert answers[-1] > 0.15
    assert answers == sorted(answers)
    await asyncio.sleep(0)
    assert watch.silence() == 0.0


def test_a_loop_that_was_closed_stays_silent() -> None:
    async def make() -> LoopWatch:
        return LoopWatch()

    watch = asyncio.run(make())
    assert watch.silence() == 0.0
    time.sleep(0.02)
    assert watch.silence() > 0.0
