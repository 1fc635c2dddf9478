"""How a text file is written beyond its text: what models do not see, and edits must not lose.

Models write `\n` for every line break and no byte order mark. So a file whose line breaks are all
CRLF is shown with `\n` and written back with CRLF, and a byte order mark is not shown and stays.
A file of mixed line breaks is shown and matched as it is.
"""

import io
from dataclasses import dataclass
from typing import Self

_MARK = b"\xef\xbb\xbf"
_BYTES_LOOKED_AT = 8192


@dataclass(frozen=True, slots=True)
class TextFormat:
    """The line breaks and the byte order mark of a file."""

    crlf: bool = False
    mark: bool = False

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """See how a file is written; a binary or empty one has no format of its own."""
        if is_binary(raw):
            return cls()
        breaks = raw.count(b"\n")
        crlf = breaks > 0 and raw.count(b"\r\n") == breaks
        return cls(crlf=crlf, mark=raw.startswith(_MARK))

    def decode(self, raw: bytes) -> str:
        """Turn a file into the text that a model sees."""
        text = raw.removeprefix(_MARK).decode(errors="replace")
        return text.replace("\r\n", "\n") if self.crlf else text

    def encode_passage(self, text: str) -> bytes:
        """Turn a part of a model's text into the bytes that the file has for it."""
        if self.crlf:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return text.encode()

    def encode(self, text: str) -> bytes:
        """Turn a model's text into a whole file."""
        raw = self.encode_passage(text)
        return _MARK + raw if self.mark and not raw.startswith(_MARK) else raw


def is_binary(raw: bytes) -> bool:
    """Say whether this is no text: it has a NUL near its beginning, as git judges too."""
    return b"\0" in raw[:_BYTES_LOOKED_AT]


def lines_of(text: str) -> list[str]:
    r"""Split into lines with their ends; only `\n` ends one, as compilers and editors count."""
    return list(io.StringIO(text, newline="\n"))
