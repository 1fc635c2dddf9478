"""A model that plays a recording, but only where it fits what really happened."""

from steersman.adapters.scripted.cassette import (
    Cassette,
    CassetteCall,
    CassetteReply,
    demo_cassette,
    read_cassette,
)
from steersman.adapters.scripted.model import NOT_HEEDED, REAL_MODEL, ScriptedModel, choose

__all__ = [
    "NOT_HEEDED",
    "REAL_MODEL",
    "Cassette",
    "CassetteCall",
    "CassetteReply",
    "ScriptedModel",
    "choose",
    "demo_cassette",
    "read_cassette",
]
