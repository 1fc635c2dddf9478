"""Print the view that the fold of a log gives: `python -m tests.agent.contract.show_view FILE`."""

import json
import sys
from pathlib import Path

from steersman.core.fold import fold
from steersman.core.view import task_view
from tests.agent.contract.golden import read_log


def main(path: Path) -> None:
    view = task_view(fold(read_log(path)))
    sys.stdout.write(json.dumps(view, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
