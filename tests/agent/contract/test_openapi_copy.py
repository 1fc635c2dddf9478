"""The gateway's copy of the agent's document is the agent's document."""

from tests.agent.contract.write_openapi import COPY, document


def test_the_gateways_copy_of_the_document_is_of_this_version() -> None:
    assert COPY.read_text(encoding="utf-8") == document(), (
        "run `python -m tests.agent.contract.write_openapi`"
    )
