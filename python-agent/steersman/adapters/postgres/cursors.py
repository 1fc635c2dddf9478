"""Cursors of listings: the last id of a page, opaque to who carries it."""

import base64
import binascii
from uuid import UUID

from steersman.core.errors import Invalid


def cursor_of(last_id: UUID) -> str:
    """Return the cursor to go on with after an item."""
    return base64.urlsafe_b64encode(last_id.bytes).decode().rstrip("=")


def read_cursor(cursor: str) -> UUID:
    """Return the id that a cursor stands for; raises Invalid when it is none."""
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error) as error:
        raise Invalid("The cursor is not one of ours.") from error
