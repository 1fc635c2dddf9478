"""Identifiers: UUIDv7 strings, one NewType per thing that is identified."""

from datetime import datetime
from typing import NewType
from uuid import UUID

TaskId = NewType("TaskId", str)
ConversationId = NewType("ConversationId", str)
ActionId = NewType("ActionId", str)
ApprovalId = NewType("ApprovalId", str)
CommandId = NewType("CommandId", str)
MessageId = NewType("MessageId", str)
OwnerId = NewType("OwnerId", str)
WorkerId = NewType("WorkerId", str)

LOCAL_OWNER = OwnerId("local")
"""The owner of everything that is done at the machine itself or with the agent's own token."""

ENTROPY_BYTES = 10


def trace_id(root_id: TaskId) -> str:
    """Return the W3C trace id of a tree of tasks: a UUID without its dashes is one."""
    return root_id.replace("-", "")


def uuid7(at: datetime, entropy: bytes) -> str:
    """Build a UUIDv7 (RFC 9562, section 5.7) from a time and ENTROPY_BYTES random bytes."""
    milliseconds = int(at.timestamp() * 1000)
    random = int.from_bytes(entropy[:ENTROPY_BYTES], "big")
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | random & (1 << 62) - 1
    return str(UUID(int=value))
