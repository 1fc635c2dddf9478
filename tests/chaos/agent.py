"""`steersman` with the chaos run's own tools beside the others."""

from pathlib import Path

import steersman.tools
from steersman.cli import main

TOOLS = Path(__file__).with_name("tools")


def add_tools() -> None:
    """Let the package of the tools, which is searched for modules, have another folder."""
    steersman.tools.__path__.append(str(TOOLS))


if __name__ == "__main__":
    add_tools()
    main()
