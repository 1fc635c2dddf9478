"""How the link to the gateway is. Light, because agents without a gateway import it too."""

from dataclasses import dataclass


@dataclass(slots=True)
class LinkState:
    """`up_since` by the loop's clock. `failure`: why the last connection ended or was not made."""

    up_since: float | None = None
    connections: int = 0
    failure: str | None = None

    @property
    def up(self) -> bool:
        """Say whether there is a connection."""
        return self.up_since is not None
