"""Which directories `--workspace` accepts."""

import sys
from pathlib import Path

import pytest

import steersman
from steersman.cli.directories import existing_directory
from steersman.core.errors import Invalid
from steersman.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    ours = tmp_path / "ours"
    for path in (ours / "home", ours / "workspaces", ours / "prompts", tmp_path / "theirs"):
        path.mkdir(parents=True)
    return Settings(home=ours / "home", workspaces=ours / "workspaces", prompts=ours / "prompts")


def test_a_directory_of_the_persons_own_is_accepted(tmp_path: Path, settings: Settings) -> None:
    theirs = tmp_path / "theirs"
    assert existing_directory(str(theirs), settings) == str(theirs.resolve())


def test_the_sample_beside_the_program_is_accepted(settings: Settings) -> None:
    sample = Path(__file__).parents[3] / "examples" / "shop"
    assert existing_directory(str(sample), settings) == str(sample)


@pytest.mark.parametrize("place", ["home", "workspaces", "prompts", "home/below", ".", "link"])
def test_what_holds_our_files_or_lies_in_them_is_refused(
    tmp_path: Path, settings: Settings, place: str
) -> None:
    (settings.home / "below").mkdir()
    (tmp_path / "ours" / "link").symlink_to(settings.home / "below")
    with pytest.raises(Invalid, match="neither holds it nor lies in it"):
        existing_directory(str(tmp_path / "ours" / place), settings)


@pytest.mark.parametrize("place", [Path(steersman.__file__).parent, Path(sys.prefix), Path("/")])
def test_the_program_itself_is_refused(settings: Settings, place: Path) -> None:
    with pytest.raises(Invalid, match="neither holds it nor lies in it"):
        existing_directory(str(place), settings)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(Invalid, match="there is no such directory"):
        existing_directory(str(tmp_path / "nothing"), settings)
