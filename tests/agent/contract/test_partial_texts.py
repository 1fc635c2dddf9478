"""What deltas add up to, as tests/contract/partial_texts.json tells both languages."""

from typing import Any

import pytest

from steersman.core.deltas import Delta, PartialText, Shown
from steersman.core.ids import TaskId
from tests.agent.contract.golden import CONTRACT, read_json

CASES: dict[str, list[dict[str, Any]]] = read_json(CONTRACT / "partial_texts.json")


def read_delta(wire: dict[str, Any]) -> Delta:
    fields = ("task_id", "epoch", "step", "offset", "text")
    task_id, epoch, step, offset, text = (wire[field] for field in fields)
    return Delta(TaskId(task_id), epoch, step, offset, text)


@pytest.mark.parametrize("name", CASES)
def test_deltas_add_up_to_a_text(name: str) -> None:
    partial = PartialText(TaskId(CASES[name][0]["delta"]["task_id"]))
    for step in CASES[name]:
        partial.add(read_delta(step["delta"]))
        whole, _ = partial.past(Shown())
        # Nothing is sent of a text that is empty.
        assert (whole.to_wire() if whole else "") == (step["text"]["text"] and step["text"])
