"""Which directories of a person's machine tasks may work in."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import steersman
from steersman.core.errors import Invalid
from steersman.settings import Settings


def existing_directory(text: str, settings: Settings) -> str:
    """Return the absolute path of a directory that can be worked in and is none of our own.

    A command may write whatever is in its workspace: the database, the prompts or the program of
    the agent would be its way out.
    """
    path = _found(text)
    for what, ours in _own_places(settings).items():
        if path.is_relative_to(ours) or ours.is_relative_to(path):
            raise Invalid(
                f"--workspace {text}: {what} is in {ours}; choose a directory that neither holds"
                " it nor lies in it"
            )
    return str(path)


def _found(text: str) -> Path:
    try:
        path = Path(text).expanduser().resolve()
        there = path.is_dir()
    except (OSError, RuntimeError) as error:  # no such user, a loop of links, a closed folder above
        raise Invalid(f"--workspace {text}: {error}") from None
    if not there:
        raise Invalid(f"--workspace {text}: there is no such directory")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise Invalid(f"--workspace {text}: you may not read and write in this directory")
    return path


def _own_places(settings: Settings) -> Mapping[str, Path]:
    places = {
        "what Steersman keeps (STEERSMAN_HOME)": settings.home,
        "every workspace (STEERSMAN_WORKSPACES)": settings.workspaces,
        "what the team is told (STEERSMAN_PROMPTS)": settings.prompts,
        "the program itself": Path(steersman.__file__).parent,
        "the Python that it runs in": Path(sys.prefix),
    }
    return {what: path.resolve() for what, path in places.items()}
