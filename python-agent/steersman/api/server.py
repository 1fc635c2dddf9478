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


_BACKLOG = 128
"""As many are taken in one go; when there is no descriptor left, as many failures are reported."""


def server_config(app: FastAPI, connections: Connections | None = None) -> uvicorn.Config:
    """Return the configuration; addresses or sockets are added by whoever runs it."""
    return uvicorn.Config(
        app,
        http=bounded(connections or Connections()),
        backlog=_BACKLOG,
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        ws_max_size=FRAME_BYTES,
    )
