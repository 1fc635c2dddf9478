"""What a command prints: the beginning and the end are kept, all of it is counted."""


class Output:
    """Bytes as they come. At most `kept` of them stay, half from each side."""

    def __init__(self, kept: int) -> None:
        self._half = kept // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.total += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        # Cut at twice the size, so that small chunks do not move the whole tail each time.
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def text(self) -> str:
        """Return what was kept; bytes that are no UTF-8 become U+FFFD."""
        head, tail = bytes(self._head), bytes(self._tail[-self._half :])
        left_out = self.total - len(head) - len(tail)
        if left_out == 0:
            return (head + tail).decode(errors="replace")
        cut = f"\n[… {left_out:,} bytes left out …]\n"
        return head.decode(errors="replace") + cut + tail.decode(errors="replace")
