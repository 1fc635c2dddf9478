"""The golden answers, from Python's side: they have the shapes of the API's document."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from steersman.api import schemas
from steersman.api.problems import Problem
from tests.agent.contract.golden import CONTRACT, read_json

ANSWERS = sorted((CONTRACT / "answers").glob("*.json"))
SHAPES: dict[str, type[BaseModel]] = {
    "approval": schemas.Approval,
    "approval_page": schemas.ApprovalPage,
    "approval_ruled": schemas.ApprovalRuled,
    "command_accepted": schemas.CommandAccepted,
    "conversation": schemas.Conversation,
    "conversation_page": schemas.ConversationPage,
    "event_page_body": schemas.EventPageBody,
    "file_list": schemas.FileList,
    "problem": Problem,
    "role_list": schemas.RoleList,
    "task_accepted": schemas.TaskAccepted,
    "task_page": schemas.TaskPage,
    "tool_list": schemas.ToolList,
    "workspace_stored": schemas.WorkspaceStored,
}


def test_every_answer_has_a_file() -> None:
    assert [path.stem for path in ANSWERS] == sorted(SHAPES)


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        pytest.param(path.stem, wire, id=f"{path.stem}-{which}")
        for path in ANSWERS
        for which, wire in read_json(path).items()
    ],
)
def test_an_answer_has_the_shape_that_the_document_says(name: str, wire: Any) -> None:
    read = SHAPES[name].model_validate(wire)
    assert read.model_dump(mode="json", exclude_unset=True) == wire


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_the_most_of_an_answer_has_every_field(path: Path) -> None:
    assert SHAPES[path.stem].model_fields.keys() == read_json(path)["most"].keys()
