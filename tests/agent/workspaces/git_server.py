"""A repository to copy from, served by a real `git daemon` or over HTTP with a login."""

import os
import socket
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LOGIN = "ada:p%40ss-word"
_AUTHORIZATION = f"Basic {b64encode(b'ada:p@ss-word').decode()}"


@dataclass(frozen=True, slots=True)
class Served:
    """A repository with two branches and a tag, and where it is served."""

    url: str
    source: Path

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(
            command, cwd=self.source, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, files: dict[str, bytes]) -> str:
        for name, content in files.items():
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / name).write_bytes(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")
        return self.git("rev-parse", "HEAD")


@contextmanager
def git_daemon(folder: Path) -> Generator[Served]:
    """Serve an empty repository by git's own protocol."""
    source = folder / "served" / "shop"
    source.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = ("--listen=127.0.0.1", f"--port={port}", f"--base-path={source.parent}")
    daemon = subprocess.Popen(
        ["git", "daemon", "--export-all", "--reuseaddr", "--informative-errors", *address],
        stderr=subprocess.DEVNULL,
    )
    try:
        _until_it_listens(port)
        repository = Served(f"git://127.0.0.1:{port}/shop", source)
        repository.git("init", "--quiet", "--initial-branch=trunk")
        yield repository
    finally:
        daemon.terminate()
        daemon.wait()


def _until_it_listens(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.01)
        else:
            return


@contextmanager
def http_server(source: Path) -> Generator[str]:
    """Serve a repository over HTTP to those with LOGIN; give its address without one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, source)

        def do_POST(self) -> None:
            _answer(self, source)

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

    with _answering(Handler) as port:
        yield f"127.0.0.1:{port}/{source.name}"


@contextmanager
def redirecting(to: str) -> Generator[str]:
    """Lead every request on to another address; give the address of the one that does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", to + self.path.removeprefix("/shop"))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

    with _answering(Handler) as port:
        yield f"127.0.0.1:{port}"


@contextmanager
def _answering(handler: type[BaseHTTPRequestHandler]) -> Generator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, source: Path) -> None:
    if request.headers.get("Authorization") != _AUTHORIZATION:
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Basic realm="git"')
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    path, _, query = request.path.partition("?")
    body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(source.parent),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REQUEST_METHOD": request.command,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
    }
    command = ["git", "-c", "safe.directory=*", "http-backend"]
    output = subprocess.run(command, input=body, env=environment, capture_output=True, check=True)
    head, _, content = output.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    request.send_response(int(headers.pop("Status", "200").split()[0]))
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
