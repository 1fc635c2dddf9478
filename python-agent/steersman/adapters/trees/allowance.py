"""What an upload may become: counted while it is unpacked, whatever its headers say."""

from collections.abc import Callable
from dataclasses import dataclass

from steersman.core.errors import TooLarge

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest tree that is accepted. `ratio` counts once `free_bytes` are unpacked."""

    entries: int = 50_000
    file_bytes: int = 256 * MEGABYTE
    total_bytes: int = 1024 * MEGABYTE
    ratio: int = 200
    free_bytes: int = 64 * MEGABYTE


class Allowance:
    """What is left of the limits. `keep_on` raises when the work must end."""

    def __init__(self, limits: Limits, packed_bytes: int, keep_on: Callable[[], None]) -> None:
        self._limits = limits
        self._packed_bytes = packed_bytes
        self._keep_on = keep_on
        self._entries = 0
        self._bytes = 0

    def take_entry(self) -> None:
        """Count a file, folder or link."""
        self._keep_on()
        self._entries += 1
        if self._entries > self._limits.entries:
            raise TooLarge(f"There are more than {self._limits.entries:,} files; send fewer.")

    def take_bytes(self, count: int) -> None:
        """Count what was unpacked."""
        self._keep_on()
        self._bytes += count
        if self._bytes > self._limits.total_bytes:
            raise TooLarge(
                f"It unpacks to more than {self._limits.total_bytes:,} bytes; send less."
            )
        most = max(self._limits.free_bytes, self._limits.ratio * self._packed_bytes)
        if self._bytes > most:
            raise TooLarge(f"It unpacks to more than {self._limits.ratio} times its size.")

    def check_file(self, path: str, size_bytes: int) -> None:
        """Refuse a file that is too large."""
        if size_bytes > self._limits.file_bytes:
            raise TooLarge(
                f"{path!r} has more than {self._limits.file_bytes:,} bytes; leave it out."
            )
