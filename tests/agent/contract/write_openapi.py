"""Write the agent's document for the gateway: `python -m tests.agent.contract.write_openapi`.

The gateway shows it while no agent is connected that could be asked for its own.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from steersman.api.application import create_api
from steersman.api.dependencies import ApiDependencies

COPY = Path(__file__).parents[3] / "ApiGateway" / "Tasks" / "agent.openapi.json"


def document() -> str:
    """Return the document as the file holds it. No route is called, so nothing stands behind it."""
    nothing = SimpleNamespace(api_token=None, identify=None, occupancy=None)
    made = create_api(cast(ApiDependencies, nothing)).openapi()
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    COPY.write_text(document(), encoding="utf-8")
