"""The PostgreSQL that comes with Steersman: one server per directory, shared by a host's processes.

The server is nobody's child: it survives the death of whoever started it, and the next process
attaches. Each user holds a shared `flock` for as long as it lives, so the last one to close,
and no other, can know that it is the last.
"""

import asyncio
import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from steersman.adapters.postgres.vendor import private_parents, vendor_server
from steersman.core.errors import ConfigurationError, StoreUnavailable

DATABASE = "steersman"
_START_SECONDS = 60.0
_STARTS = 3
_STOP_SECONDS = 30.0
_INCLUDE = "include_if_exists = 'steersman.conf'\n"
_SETTINGS = """\
fsync = on
full_page_writes = on
synchronous_commit = on
max_connections = 200
unix_socket_permissions = 0700
max_wal_size = 1GB
random_page_cost = 1.1
jit = off
"""


class EmbeddedPostgres:
    """A server in use by this process. `close` it; the data stays."""

    def __init__(self, directory: Path, socket_directory: Path, users: int) -> None:
        self._directory = directory
        self._socket_directory = socket_directory
        self._users = users
        atexit.register(self.close)

    def dsn(self, database: str = DATABASE) -> str:
        """Return how to connect, over the Unix socket."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._socket_directory))}"

    def is_running(self) -> bool:
        """Say whether the server takes connections, as it does not after a crash."""
        return _running(self._directory) is not None

    def close(self) -> bool:
        """Stop the server if nobody else uses it. Return whether it was stopped."""
        atexit.unregister(self.close)
        if self._users < 0:
            return False
        users, self._users = self._users, -1
        if not self._directory.exists():
            os.close(users)
            return False
        with _mutex(self._directory):
            last = _is_last(users)
            if last:
                _stop(self._directory)
            os.close(users)
        return last


async def start_embedded(directory: Path) -> EmbeddedPostgres:
    """Attach to the server of `directory`, after making and starting it where needed.

    Raises StoreUnavailable when it does not start; its log is `directory/log`. Raises
    ConfigurationError when the directory holds something else.
    """
    server = await asyncio.to_thread(_start, directory)
    try:
        await _create_database(server)
    except BaseException:
        await asyncio.to_thread(server.close)
        raise
    return server


def _start(directory: Path) -> EmbeddedPostgres:
    directory = directory.expanduser().resolve()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _mutex(directory):
        users = os.open(_beside(directory, "users"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            socket_directory = _running(directory) or _launch(directory)
        except BaseException:
            os.close(users)
            raise
    return EmbeddedPostgres(directory, socket_directory, users)


def _launch(directory: Path) -> Path:
    with private_parents(directory):
        if _is_vacant(directory):
            _initialise(directory)
        elif not (directory / "PG_VERSION").is_file():
            raise ConfigurationError(
                f"{directory} is not a directory of PostgreSQL's; move it away, or set another "
                "STEERSMAN_HOME"
            )
        return _start_server(directory)


def _is_vacant(directory: Path) -> bool:
    return not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))


def _start_server(directory: Path) -> Path:
    """Start it, and wait until it takes connections.

    One that is there and does not, because it ends or recovers, is waited for. What a crash leaves
    of the old one may fail the first attempts.
    """
    _configure(directory)
    server = vendor_server(directory)
    deadline = time.monotonic() + _START_SECONDS
    starts = 0
    while (socket_directory := _running(directory)) is None:
        is_there = _postmaster(directory) is not None
        if time.monotonic() > deadline or (starts == _STARTS and not is_there):
            raise StoreUnavailable(f"The database does not start: see {directory / 'log'}")
        if not is_there:
            starts += 1
            _remove_stale_pid(directory)
            with suppress(subprocess.SubprocessError, AssertionError):
                # It gives up after 10 seconds, while a recovery after a crash may go on.
                server.start()
        time.sleep(0.05)
    return socket_directory


def _initialise(directory: Path) -> None:
    """Make the cluster aside and rename it, so that one that is there is whole."""
    unfinished = _beside(directory, "new")
    shutil.rmtree(unfinished, ignore_errors=True)
    vendor_server(unfinished).ensure_pgdata_inited()
    unfinished.rename(directory)


def _configure(directory: Path) -> None:
    (directory / "steersman.conf").write_text(_SETTINGS)
    configuration = directory / "postgresql.conf"
    if _INCLUDE not in configuration.read_text():
        with configuration.open("a") as file:
            file.write(_INCLUDE)


async def _create_database(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"), timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


def _beside(directory: Path, suffix: str) -> Path:
    return directory.with_name(f"{directory.name}.{suffix}")


@contextmanager
def _mutex(directory: Path) -> Generator[None]:
    """Let one process of the host at a time start or stop the server."""
    lock = os.open(_beside(directory, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_lines(directory: Path) -> list[str]:
    """Return the lines of `postmaster.pid`: pid, directory, start, port, socket, …, status."""
    try:
        return [line.strip() for line in (directory / "postmaster.pid").read_text().splitlines()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _postmaster(directory: Path) -> psutil.Process | None:
    """Find the living server of the directory. A pid alone proves nothing: it may be reused."""
    lines = _pid_lines(directory)
    if not lines or not lines[0].isdigit():
        return None
    try:
        process = psutil.Process(int(lines[0]))
        is_ours = process.name() == "postgres" and Path(process.cwd()) == directory
    except psutil.Error:
        return None
    return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None


def _running(directory: Path) -> Path | None:
    """Return the socket's directory when the server accepts connections."""
    lines = _pid_lines(directory)
    if len(lines) < 8 or lines[7] != "ready" or _postmaster(directory) is None:
        return None
    return Path(lines[4])


def _remove_stale_pid(directory: Path) -> None:
    # Neither the server nor its wrapper sees that another program has the old server's pid now.
    if _postmaster(directory) is None:
        (directory / "postmaster.pid").unlink(missing_ok=True)


def _stop(directory: Path) -> None:
    """Shut down fast and cleanly: sessions are cut, the log is flushed."""
    process = _postmaster(directory)
    if process is None:
        return
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + _STOP_SECONDS
        while _postmaster(directory) is not None and time.monotonic() < deadline:
            time.sleep(0.02)
