"""Where the golden files are, and how they are read."""

import json
from pathlib import Path
from typing import Any

from steersman.core.events import Envelope, parse_envelope

CONTRACT = Path(__file__).parents[2] / "contract"
EVENTS = sorted((CONTRACT / "events").glob("*.json"))
COMMANDS = sorted((CONTRACT / "commands").glob("*.json"))
LOGS = sorted((CONTRACT / "logs").glob("*.jsonl"))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_log(path: Path) -> list[Envelope]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [parse_envelope(json.loads(line)) for line in lines]
