"""Tasks over REST: what is asked reaches the core, and what it says is answered."""

import httpx

from steersman.api.dependencies import ApiDependencies
from steersman.core.commands import AddMessage, PauseTask, ResumeTask, StopTask
from steersman.core.events import TaskClaimed, TaskCompleted
from steersman.core.ids import LOCAL_OWNER, TaskId, WorkerId
from tests.agent.api.driving import assert_problem, client_of
from tests.agent.api.fakes import InMemoryTasks, Posted

CLAIMED = TaskClaimed(worker_id=WorkerId("w"), attempt=1, reason="new")
DONE = TaskCompleted(result="It works.")
UNKNOWN = "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"


async def test_a_goal_is_accepted_with_where_to_read_it(client: httpx.AsyncClient) -> None:
    answer = await client.post("/tasks", json={"goal": "Make it work"})
    assert (answer.status_code, answer.json()["state"], answer.json()["seq"]) == (202, "queued", 1)
    assert answer.headers["location"] == f"/tasks/{answer.json()['task_id']}"


async def test_a_task_gets_what_it_asks_for(client: httpx.AsyncClient) -> None:
    body = {
        "goal": "Make it work",
        "role": "developer",
        "conversation_id": UNKNOWN.upper(),
        "workspace": "shop",
        "limits": {"max_steps": 3},
    }
    task_id = (await client.post("/tasks", json=body)).json()["task_id"]
    view = (await client.get(f"/tasks/{task_id}")).json()
    wanted = {"goal", "role", "workspace"}
    assert {name: view[name] for name in wanted} == {name: body[name] for name in wanted}
    assert (view["conversation_id"], view["limits"]["max_steps"]) == (UNKNOWN, 3)


async def test_the_same_key_and_body_are_one_task(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await client.post("/tasks", json={"goal": "a"}, headers=headers)
    second = await client.post("/tasks", json={"goal": "a"}, headers=headers)
    other = await client.post("/tasks", json={"goal": "b"}, headers=headers)
    assert first.json() == second.json()
    assert_problem(other, 409, "command_conflict")


async def test_a_busy_conversation_can_reject(client: httpx.AsyncClient) -> None:
    answer = await client.post("/tasks", json={"goal": "a", "on_busy": "reject"})
    assert_problem(answer, 409, "conversation_busy")


async def test_tasks_are_listed_by_state_newest_first(
    client: httpx.AsyncClient, tasks: InMemoryTasks
) -> None:
    ids = [(await client.post("/tasks", json={"goal": goal})).json()["task_id"] for goal in "abc"]
    await tasks.play(TaskId(ids[0]), CLAIMED)
    page = (await client.get("/tasks")).json()
    running = (await client.get("/tasks", params={"state": ["running", "waiting"]})).json()
    assert [view["task_id"] for view in page["items"]] == ids[::-1]
    assert ([view["task_id"] for view in running["items"]], page["next_cursor"]) == ([ids[0]], None)


async def test_a_view_from_the_future_is_refused(client: httpx.AsyncClient, task_id: str) -> None:
    assert (await client.get(f"/tasks/{task_id}", params={"min_seq": 1})).status_code == 200
    ahead = await client.get(f"/tasks/{task_id}", params={"min_seq": 9})
    assert_problem(ahead, 409, "cursor_ahead")


async def test_commands_reach_the_task_in_the_owners_name(
    client: httpx.AsyncClient, task_id: str, tasks: InMemoryTasks
) -> None:
    said = await client.post(
        f"/tasks/{task_id}/messages", json={"text": "Go on"}, headers={"Idempotency-Key": "m1"}
    )
    paused = await client.post(f"/tasks/{task_id}/pause", headers={"Idempotency-Key": "p1"})
    resumed = await client.post(f"/tasks/{task_id}/resume", headers={"Idempotency-Key": "r1"})
    stopped = await client.post(f"/tasks/{task_id}/stop", json={"reason": "enough"})
    again = await client.post(f"/tasks/{task_id}/stop")
    answers = (said, paused, resumed, stopped, again)
    assert [answer.status_code for answer in answers] == [202] * 5
    assert said.json() == {"command_id": "m1", "state": "queued"}
    assert tasks.posted == [
        Posted(TaskId(task_id), LOCAL_OWNER, AddMessage(text="Go on"), "m1"),
        Posted(TaskId(task_id), LOCAL_OWNER, PauseTask(), "p1"),
        Posted(TaskId(task_id), LOCAL_OWNER, ResumeTask(), "r1"),
        Posted(
            TaskId(task_id), LOCAL_OWNER, StopTask(reason="enough"), stopped.json()["command_id"]
        ),
        Posted(TaskId(task_id), LOCAL_OWNER, StopTask(), again.json()["command_id"]),
    ]


async def test_a_task_that_has_ended_takes_a_stop_but_nothing_else(
    client: httpx.AsyncClient, task_id: str, tasks: InMemoryTasks
) -> None:
    await tasks.play(TaskId(task_id), CLAIMED, DONE)
    said = await client.post(f"/tasks/{task_id}/messages", json={"text": "Go on"})
    assert_problem(said, 409, "task_ended")
    for verb in ("pause", "resume"):
        late = await client.post(f"/tasks/{task_id}/{verb}")
        assert_problem(late, 409, "task_ended")
    assert (await client.post(f"/tasks/{task_id}/stop")).status_code == 202


async def test_a_log_is_read_by_pages(
    client: httpx.AsyncClient, task_id: str, tasks: InMemoryTasks
) -> None:
    await tasks.play(TaskId(task_id), CLAIMED, DONE)
    first = (await client.get(f"/tasks/{task_id}/events", params={"limit": 2})).json()
    rest = (await client.get(f"/tasks/{task_id}/events", params={"after": 2})).json()
    assert [event["seq"] for event in first["events"]] == [1, 2]
    assert (first["next_after"], first["final"]) == (2, False)
    assert (rest["events"][0]["type"], rest["next_after"]) == ("task_completed", 3)
    assert rest["final"] is True


async def test_what_no_issue_has_brought_is_not_there(
    client: httpx.AsyncClient, task_id: str
) -> None:
    paths = [f"/tasks/{task_id}/memory", "/memory", "/docs"]
    answers = [await client.get(path) for path in paths]
    for answer in answers:
        assert_problem(answer, 404, "not_found")


async def test_a_database_that_is_away_is_told_with_a_time_to_wait(
    client: httpx.AsyncClient, task_id: str, tasks: InMemoryTasks
) -> None:
    tasks.down = True
    for path in ("/tasks", f"/tasks/{task_id}", f"/tasks/{task_id}/events"):
        answer = await client.get(path, headers={"Accept": "text/event-stream"})
        assert_problem(answer, 503, "store_unavailable")
        assert answer.headers["retry-after"] == "2"
    tasks.down = False
    assert (await client.get(f"/tasks/{task_id}")).status_code == 200


async def test_a_bug_is_answered_without_its_details(api: ApiDependencies) -> None:
    api.tasks.view = None  # pyright: ignore[reportAttributeAccessIssue]
    async with client_of(api) as client:
        problem = assert_problem(await client.get(f"/tasks/{UNKNOWN}"), 500, "internal_error")
    assert "NoneType" not in problem["detail"]
