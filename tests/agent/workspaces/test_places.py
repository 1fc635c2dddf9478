"""Where workspaces live: no id and no name leads anywhere else."""

from pathlib import Path

import pytest

from steersman.app.places import Places, owner_folder
from steersman.core.errors import Invalid
from steersman.core.ids import OwnerId
from steersman.core.ports import WorkspaceRef

PLACES = Places(Path("/workspaces"), Path("/home/state"))


@pytest.mark.parametrize(
    ("owner_id", "folder"),
    [
        ("local", "local"),
        ("019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01", "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"),
        ("ada@example.com", "ada@example.com"),
        ("Ada", "%41da"),
        ("..", "%2e."),
        (".incoming", "%2eincoming"),
        ("a/../b", "a%2f..%2fb"),
        ("auth0|a\0", "auth0%7ca%00"),
        ("é", "%c3%a9"),
        ("%41da", "%2541da"),
    ],
)
def test_an_owner_has_a_folder_of_its_own(owner_id: str, folder: str) -> None:
    assert owner_folder(OwnerId(owner_id)) == folder


@pytest.mark.parametrize("owner_id", ["", "x" * 500, "É" * 100, "\ud800" * 300])
def test_an_owner_with_an_id_that_is_no_name_has_a_folder_too(owner_id: str) -> None:
    folder = owner_folder(OwnerId(owner_id))
    assert (len(folder), folder.isascii()) == (71, True)


@pytest.mark.parametrize("name", [".", "..", "", ".git"])
def test_a_name_that_begins_with_a_dot_is_no_name(name: str) -> None:
    with pytest.raises(Invalid):
        PLACES.directory(WorkspaceRef("id", OwnerId("me"), name, None, 1))


def test_a_directory_of_this_host_is_taken_as_it_is() -> None:
    ref = WorkspaceRef("id", OwnerId("me"), "shop", "/src/shop", 1)
    assert PLACES.directory(ref) == Path("/src/shop")
    assert PLACES.history(ref) == Path("/home/state/id/history.git")
