"""Who may ask. The gate stands before everything, HTTP and WebSocket alike.

With a token: every request shows it, except PUBLIC ones. Browsers cannot add headers to a
WebSocket, so there, and only there, it may be the query's `access_token`: who runs the server must
keep queries out of its logs (`server.py` does).
Without a token the server listens on loopback only, and what is left to fear are the browsers of
this machine: a foreign page that posts to us (its Origin gives it away) and a foreign name that
resolves to 127.0.0.1 (its Host does).
"""

import hashlib
import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from steersman.api.problems import Forbidden, describe, problem_response
from steersman.core.errors import RequestError, Unauthorized

PUBLIC = frozenset({"/health/live", "/health/ready", "/openapi.json"})

_CLOSE_CODES = {401: 4401, 403: 4403}


class Gate:
    """Let a connection pass or answer 401 or 403; a WebSocket is judged before it is accepted."""

    def __init__(self, app: ASGIApp, api_token: str | None) -> None:
        self._app = app
        self._digest = None if api_token is None else _digest(api_token.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        refusal = self._judge(scope)
        if refusal is None:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await _refuse_socket(WebSocket(scope, receive, send), refusal)
        return await problem_response(describe(refusal))(scope, receive, send)

    def _judge(self, scope: Scope) -> RequestError | None:
        headers = Headers(scope=scope)
        if self._digest is None:
            return _judge_neighbour(headers)
        if scope["type"] == "websocket" and not _is_own_origin(headers):
            return Forbidden("Pages of other sites may not connect.")
        if scope["path"] in PUBLIC or hmac.compare_digest(_digest(_token(scope)), self._digest):
            return None
        return Unauthorized()


async def _refuse_socket(socket: WebSocket, refusal: RequestError) -> None:
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(problem_response(describe(refusal)))
    else:
        await socket.close(_CLOSE_CODES[refusal.status], refusal.code())


def _judge_neighbour(headers: Headers) -> RequestError | None:
    if not is_loopback(_host(f"//{headers.get('host', '')}")):
        return Forbidden()
    origin = headers.get("origin")
    # To the byte, its port too: every page of this machine would be a neighbour otherwise, and
    # each program that serves pages its own. There is no TLS where there is no token.
    if origin is not None and origin.lower() != f"http://{headers['host']}".lower():
        return Forbidden("Pages of other sites may not use an agent that has no token.")
    return None


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


def _token(scope: Scope) -> bytes:
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip().encode("latin-1")
    if scope["type"] == "websocket":
        return QueryParams(scope["query_string"]).get("access_token", "").encode()
    return b""


def _digest(token: bytes) -> bytes:
    # Digests have one length, so that the comparison's time says nothing about the token's.
    return hashlib.sha256(token).digest()
