"""Who may ask. The gate stands before everything, HTTP and WebSocket alike.

With tokens, the agent's own or a gateway's: every request shows one, except PUBLIC ones. Browsers
cannot add headers to a WebSocket, so there, and only there, it may be the query's `access_token`:
who runs the server must keep queries out of its logs (`server.py` does). The agent's own token
speaks for the local owner, a gateway's for the person that it names.
Without any the server listens on loopback only, and what is left to fear are the browsers of
this machine: a foreign page that posts to us (its Origin gives it away) and a foreign name that
resolves to 127.0.0.1 (its Host does).
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from steersman.api.problems import Forbidden, describe, problem_response
from steersman.api.refusing import refuse
from steersman.core.errors import RequestError, SteersmanError, Unauthorized, Unavailable
from steersman.core.ids import LOCAL_OWNER, OwnerId

OWNER = "steersman.owner"
"""Where the gate leaves, for the routes, on whose behalf a connection acts; None: nobody's."""

Identify = Callable[[str], Awaitable[OwnerId]]
"""Say whose a gateway's token is. Raises Unauthorized and Unavailable."""

PUBLIC = frozenset({"/health/live", "/health/ready", "/openapi.json"})

_CLOSE_CODES = {401: 4401, 403: 4403, 503: 4503}


class Gate:
    """Let a connection pass, on somebody's behalf, or refuse it; a WebSocket before it is accepted.

    `identify` verifies a gateway's tokens.
    """

    def __init__(
        self, app: ASGIApp, api_token: str | None, identify: Identify | None = None
    ) -> None:
        self._app = app
        self._digest = None if api_token is None else _digest(api_token.encode())
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        try:
            scope[OWNER] = await self._judge(scope)
        except (RequestError, Unavailable) as refusal:
            if scope["type"] == "websocket":
                return await _refuse_socket(WebSocket(scope, receive, send), refusal)
            return await refuse(describe(refusal), scope, receive, send)
        return await self._app(scope, receive, send)

    async def _judge(self, scope: Scope) -> OwnerId | None:
        headers = Headers(scope=scope)
        if self._digest is None and self._identify is None:
            _judge_neighbour(headers)
            return LOCAL_OWNER
        shown, in_header = _token(scope)
        # A page cannot add the header, so what has it is a program or the gateway, whose pages
        # have an origin of their own.
        trusted = in_header and self._identify is not None
        if scope["type"] == "websocket" and not (trusted or _is_own_origin(headers)):
            raise Forbidden("Pages of other sites may not connect.")
        if scope["path"] in PUBLIC:
            return None
        if self._digest is not None and hmac.compare_digest(_digest(shown), self._digest):
            return LOCAL_OWNER
        if self._identify is None or not shown:
            raise Unauthorized
        return await self._identify(shown.decode("latin-1"))


async def _refuse_socket(socket: WebSocket, refusal: SteersmanError) -> None:
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(problem_response(describe(refusal)))
    else:
        await socket.close(_CLOSE_CODES[describe(refusal).status], refusal.code())


def _judge_neighbour(headers: Headers) -> None:
    if not is_loopback(_host(f"//{headers.get('host', '')}")):
        raise Forbidden
    origin = headers.get("origin")
    # To the byte, its port too: every page of this machine would be a neighbour otherwise, and
    # each program that serves pages its own. There is no TLS where there is no token.
    if origin is not None and origin.lower() != f"http://{headers['host']}".lower():
        raise Forbidden("Pages of other sites may not use an agent that has no token.")


def _is_own_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return True
    host = _host(origin)
    return host != "" and (is_loopback(host) or host == _host(f"//{headers.get('host', '')}"))


def is_loopback(host: str) -> bool:
    """Say whether a host name or address can only mean this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _token(scope: Scope) -> tuple[bytes, bool]:
    """Return what is shown, empty for nothing, and whether the header shows it."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip().encode("latin-1"), True
    if scope["type"] == "websocket":
        return QueryParams(scope["query_string"]).get("access_token", "").encode(), False
    return b"", False


def _digest(token: bytes) -> bytes:
    # Digests have one length, so that the comparison's time says nothing about the token's.
    return hashlib.sha256(token).digest()
