"""How the API is put behind uvicorn.

The log level is warning and the access log off, because uvicorn writes whole URLs and a browser's
WebSocket may carry its token in the query. Whoever runs the server sets `ApiDependencies.closing`
before it ends: uvicorn waits for every open answer, and only then do streams end.
"""

import uvicorn
from fastapi import FastAPI

from steersman.api.connections import Connections, bounded

FRAME_BYTES = 4 * 1024 * 1024
"""Frames above the API's own limit are read to be answered; above this the connection ends."""


QUEUED_CONNECTIONS = 1_024
"""How many wait in the kernel; to be set by whoever listens, see _TAKEN_AT_ONCE."""

_TAKEN_AT_ONCE = 16
"""asyncio takes as many connections in one go as it lets the kernel queue. They have their
descriptors before any is looked at, so a burst would go far beyond what is allowed."""


def server_config(app: FastAPI, connections: Connections | None = None) -> uvicorn.Config:
    """Return the configuration; addresses or sockets are added by whoever runs it."""
    return uvicorn.Config(
        app,
        http=bounded(connections or Connections()),
        backlog=_TAKEN_AT_ONCE,
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        ws_max_size=FRAME_BYTES,
    )
