"""`steersman serve`: the API in front, the worker behind it, one orderly end for both."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from importlib import import_module

from steersman.app.wiring import App, open_app
from steersman.core.errors import ConfigurationError
from steersman.core.worker import Worker
from steersman.settings import Settings

_log = logging.getLogger(__name__)
_HTTP = "steersman.app.http_server"
_GATEWAY = "steersman.app.gateway"


async def serve(settings: Settings) -> int:
    """Serve the API and work on tasks until SIGTERM or SIGINT.

    Raises ConfigurationError for an address that is taken.
    """
    end = _end_on_signals()
    with contextlib.closing(_listen(settings)) as listening:
        # The API is imported while the database starts and the sandbox is tried: they take as long.
        importing = asyncio.ensure_future(asyncio.to_thread(_import_edges, settings))
        async with open_app(settings, patient=True) as app:
            await importing
            await _serve(app, listening, end)
    return 0


async def _serve(app: App, listening: socket.socket, end: asyncio.Event) -> None:
    from steersman.app.http_server import HttpServer  # noqa: PLC0415 - see _HTTP

    async with app.work() as work, _bridging(app, work.worker, _url(listening)):
        server = HttpServer(app, work.worker)
        answering = asyncio.create_task(server.serve(sockets=[listening]))
        await server.up.wait()
        for note in app.notes:
            _log.warning(note, extra={"action": "note"})
        _log.info("serving", extra={"action": "serving", "url": _url(listening)})
        # A full collection stops everything, for the longer the more there is to look at. What has
        # been imported stays, so it need not be looked at.
        gc.freeze()
        # Not before: its import takes many seconds, and would take them from the start.
        app.parts.model.warm_up()
        ended = asyncio.create_task(end.wait())
        await asyncio.wait((answering, work.ended, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        work.worker.shutdown.asked.set()
        server.close()
        await answering


def _import_edges(settings: Settings) -> None:
    import_module(_HTTP)
    if settings.gateway_url is not None:
        import_module(_GATEWAY)


def _bridging(app: App, worker: Worker, url: str) -> contextlib.AbstractAsyncContextManager[None]:
    if app.settings.gateway_url is None:
        return contextlib.nullcontext()
    from steersman.app.gateway import bridging  # noqa: PLC0415 - see _import_edges

    return bridging(app, worker, url)


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _end_on_signals() -> asyncio.Event:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    return end


def _listen(settings: Settings) -> socket.socket:
    """Take the address before anything else is started."""
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror}); "
            "choose another with --port or STEERSMAN_PORT"
        ) from None
    return listening
