"""Approvals over REST: what is asked reaches the core, and what it says is answered."""

import httpx

from steersman.api.examples import APPROVAL
from steersman.api.requests import EXAMPLE_ID, EXAMPLE_SHA256
from tests.agent.api.driving import assert_problem

YES = {"decision": "approve", "arguments_sha256": EXAMPLE_SHA256}
UNKNOWN = "019a5c3e-7a10-7c3b-9f21-000000000000"


async def test_pending_approvals_are_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/approvals", params={"state": "pending", "root_id": EXAMPLE_ID})
    assert answer.json() == {"items": [APPROVAL], "next_cursor": None}
    wrong = await client.get("/approvals", params={"state": "perhaps"})
    assert_problem(wrong, 422, "invalid")


async def test_the_second_decider_is_told_so(client: httpx.AsyncClient) -> None:
    first = await client.post(f"/approvals/{EXAMPLE_ID}", json=YES)
    second = await client.post(f"/approvals/{EXAMPLE_ID}", json={**YES, "decision": "reject"})
    assert (first.status_code, first.json()["state"]) == (200, "approved")
    assert_problem(second, 409, "approval_decided")


async def test_an_approval_that_is_not_mine_is_not_found(client: httpx.AsyncClient) -> None:
    for approval_id in (UNKNOWN, "nonsense"):
        assert_problem(await client.get(f"/approvals/{approval_id}"), 404, "approval_not_found")
        decided = await client.post(f"/approvals/{approval_id}", json=YES)
        assert_problem(decided, 404, "approval_not_found")


async def test_a_decision_names_what_was_shown(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/approvals/{EXAMPLE_ID}", json={"decision": "approve"})
    assert_problem(answer, 422, "invalid")
