"""How a model's window is shared out, and what it is told about the last steps."""

import pytest

from steersman.core.context import Window, notices
from steersman.core.state import TaskState
from tests.agent.core.making import (
    action,
    after,
    call_failed,
    failed,
    state_after,
    succeeded,
    thought,
)


@pytest.mark.parametrize("tokens", [2_048, 8_192, 32_768, 1_000_000])
def test_a_window_never_promises_more_than_there_is(tokens: int) -> None:
    window = Window.of(tokens, 8_192)
    room = (tokens - window.max_output_tokens) * 3.5
    assert window.turns_bytes + window.text_bytes + window.summary_bytes <= room
    assert window.max_output_tokens <= tokens // 4


def repeated(times: int) -> TaskState:
    state = state_after()
    for number in range(times):
        name = f"{number}"
        state = after(state, [thought(action(name), step=number + 1), succeeded(name)])
    return state


def test_the_model_is_told_before_something_ends_the_task() -> None:
    assert notices(repeated(2)) == []
    assert "the same call once more ends the task" in notices(repeated(3))[0]
    text = state_after(thought(text="I think so."))
    assert "A second reply without a call ends the task" in notices(text)[0]
    failing = state_after(
        thought(action("a")), failed("a"), thought(action("b"), step=2), failed("b")
    )
    assert "read_file not_found" in notices(failing)[0]
    assert "too long" in notices(state_after(call_failed("output_limit")))[0]
