"""The text of the thought that is streaming, put together from deltas."""

from steersman.cli.calls import number
from steersman.core.events import JsonObject


class PartialThought:
    """What has come of a thought so far."""

    def __init__(self) -> None:
        self.text = ""
        self._thought: tuple[object, object] = (None, None)
        self._next_offset: int = 0

    def add(self, delta: JsonObject) -> None:
        """Append a delta; another epoch or step, or a repeated beginning, starts anew."""
        thought = (delta.get("epoch"), delta.get("step"))
        offset, piece = int(number(delta.get("offset"))), str(delta.get("text", ""))
        if thought == self._thought and offset == self._next_offset:
            self.text += piece
        else:
            self.text = f"… {piece}" if offset else piece
        self._thought = thought
        self._next_offset = offset + len(piece.encode("utf-16-le", "surrogatepass")) // 2

    def clear(self) -> None:
        """Forget it: the thought has been recorded, or will be thought again."""
        self.text = ""
        self._next_offset = -1
