"""What a host keeps of tasks goes after them, and nothing else does."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steersman.adapters.in_memory import InMemoryHints, InMemoryViewCache
from steersman.adapters.postgres.retention import PostgresRetention
from steersman.adapters.postgres.workspaces import AbandonedWorkspaces
from steersman.adapters.sandbox.launcher.state import read_fence
from steersman.app.leftovers import HostLeftovers
from steersman.core.errors import NotFound
from steersman.core.ids import TaskId
from steersman.core.ports import Claim, WorkspaceRef
from steersman.core.retention import Removals
from tests.agent.postgres.making import HOST, ME, decision, ending, submission
from tests.agent.workspaces.archives import tree
from tests.agent.workspaces.conftest import Host, read

pytestmark = pytest.mark.slow  # real processes of git and commands


@pytest.fixture
def leftovers(host: Host) -> HostLeftovers:
    return HostLeftovers(host.places, AbandonedWorkspaces(host.store.pool, HOST))


@pytest.fixture
def removals(host: Host, leftovers: HostLeftovers) -> Removals:
    retention = PostgresRetention(host.store.pool)
    return Removals(retention, leftovers, InMemoryViewCache(), InMemoryHints())


async def begin(host: Host, workspace: str | None = None, path: Path | None = None) -> Claim:
    """Submit a task, claim it, open its workspace and leave a file there and a record outside."""
    directory = str(path) if path else None
    made = submission(workspace=workspace, workspace_path=directory)
    await host.store.tasks.submit(made)
    claim = await host.claim()
    ref = ref_of(claim)
    await host.workspaces.open(claim.task_id, ref)
    (host.places.directory(ref) / "made.py").write_text(claim.task_id)
    records = host.places.state(ref) / "records"
    records.mkdir(exist_ok=True)
    (records / f"{claim.task_id}.json").write_text("{}")
    return claim


async def done(host: Host, workspace: str | None = None, path: Path | None = None) -> Claim:
    claim = await begin(host, workspace, path)
    await host.store.journal().commit(ending(claim))
    return claim


def ref_of(claim: Claim) -> WorkspaceRef:
    assert claim.workspace is not None
    return claim.workspace


async def rows(host: Host) -> int:
    [row] = await host.store.pool.fetch("SELECT count(*) FROM workspaces")
    return row[0]


async def batches(removals: Removals) -> list[TaskId]:
    soon = datetime.now(UTC) + timedelta(hours=1)
    return [task.task_id async for batch in removals.prune(soon) for task in batch]


async def test_with_a_conversation_its_folder_goes_and_all_that_was_kept_of_it(
    host: Host, removals: Removals
) -> None:
    claim = await done(host)
    ref = ref_of(claim)
    assert sorted(path.name for path in host.places.state(ref).iterdir()) == [
        "alive", "fences", "history.git", "lock", "records",
    ]  # fmt: skip
    await removals.delete(claim.task_id, ME)
    assert not host.places.state(ref).exists()
    assert not host.places.directory(ref).exists()
    assert await rows(host) == 0


async def test_what_a_person_named_or_works_in_stays(
    host: Host, removals: Removals, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    named, own = await done(host, "shop"), await done(host, path=theirs)
    for claim in (named, own):
        await removals.delete(claim.task_id, ME)
        assert not host.places.state(ref_of(claim)).exists()
    assert tree(host.shop) == {"made.py": named.task_id.encode()}
    assert tree(theirs) == {"made.py": own.task_id.encode()}
    assert await rows(host) == 0


async def test_a_link_in_the_place_of_a_folder_is_not_followed(
    host: Host, removals: Removals, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    claim = await done(host)
    (host.places.directory(ref_of(claim)) / "way-out").symlink_to(outside)
    await removals.delete(claim.task_id, ME)
    assert not host.places.directory(ref_of(claim)).exists()
    assert tree(outside) == {"precious": b"x"}


async def test_a_workspace_that_others_use_loses_only_what_belonged_to_the_deleted(
    host: Host, removals: Removals
) -> None:
    gone, stays = await done(host, "shop"), await done(host, "shop")
    (host.shop / "made.py").write_text("changed")
    await removals.delete(gone.task_id, ME)
    state = host.places.state(ref_of(stays))
    kept = [path.name for path in (state / "history.git/refs/steersman").iterdir()]
    assert (kept, list((state / "records").iterdir())) == ([stays.task_id], [])
    diff = await read(await host.workspaces.diff(stays.task_id, ME))
    assert b"-" + gone.task_id.encode() in diff
    assert b"+changed" in diff


@pytest.mark.slow  # many runs of git
async def test_content_that_only_a_deleted_task_began_from_leaves_the_history(
    host: Host, removals: Removals
) -> None:
    first = await done(host, "shop")
    (host.shop / "made.py").write_text("a secret of the second's start")
    second = await done(host, "shop")
    history = host.places.history(ref_of(first))
    before = sum(path.stat().st_size for path in history.rglob("*.pack"))
    await removals.delete(second.task_id, ME)
    assert sum(path.stat().st_size for path in history.rglob("*.pack")) < before
    await read(await host.workspaces.diff(first.task_id, ME))


async def test_while_a_task_works_there_nothing_is_touched_and_later_it_goes(
    host: Host, removals: Removals
) -> None:
    gone = await done(host, "shop")
    working = await begin(host, "shop")
    await removals.delete(gone.task_id, ME)
    state = host.places.state(ref_of(gone))
    assert len(list((state / "records").iterdir())) == 2
    assert await removals.clear() == 0
    await host.store.journal().commit(ending(working))
    assert await removals.clear() == 1
    assert await removals.clear() == 0
    assert [path.name for path in (state / "history.git/refs/steersman").iterdir()] == [
        working.task_id
    ]


async def test_files_that_a_crash_left_behind_go_with_the_next_pruning(
    host: Host, removals: Removals
) -> None:
    abandoned, shared = await done(host), await done(host, "shop")
    stays = await done(host, "shop")
    for claim in (abandoned, shared):
        # The rows are gone and the process died before it came to the files.
        await PostgresRetention(host.store.pool).delete(claim.task_id, ME)
    with pytest.raises(NotFound):
        await host.workspaces.diff(shared.task_id, ME)
    await read(await host.workspaces.diff(stays.task_id, ME))
    assert host.places.directory(ref_of(abandoned)).exists()
    assert (await removals.clear(), await removals.clear()) == (2, 0)
    assert not host.places.directory(ref_of(abandoned)).exists()
    assert await rows(host) == 1


async def test_a_removal_that_was_cut_in_the_middle_is_finished_by_the_next(
    host: Host, removals: Removals
) -> None:
    claim = await done(host)
    ref = ref_of(claim)
    await PostgresRetention(host.store.pool).delete(claim.task_id, ME)
    (host.places.state(ref) / "lock").unlink()
    (host.places.directory(ref) / "made.py").unlink()
    assert await removals.clear() == 1
    assert (host.places.state(ref).exists(), await rows(host)) == (False, 0)


async def test_a_name_is_used_again_after_it_was_cleared(host: Host, removals: Removals) -> None:
    first = await done(host, "shop")
    await removals.delete(first.task_id, ME)
    second = await done(host, "shop")
    assert ref_of(second).workspace_id != ref_of(first).workspace_id
    assert read_fence(host.places.state(ref_of(second))) == ref_of(second).fence
    assert b"+" + second.task_id.encode() in await read(
        await host.workspaces.diff(second.task_id, ME)
    )


async def test_a_workspace_that_was_put_and_not_used_yet_stays(
    host: Host, removals: Removals, tmp_path: Path
) -> None:
    name = "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"  # as a client names its next conversation
    directory = host.settings.workspaces / ME / name
    async with host.store.tasks.exclusive_workspace(ME, name):
        directory.mkdir(parents=True)
        (directory / "a.py").write_text("x")
    await removals.clear()
    assert tree(directory) == {"a.py": b"x"}


async def test_files_of_another_host_are_left_to_it(host: Host, removals: Removals) -> None:
    claim = await done(host)
    await host.store.pool.fetch("UPDATE workspaces SET host_id = 'another'")
    await removals.delete(claim.task_id, ME)
    assert (await removals.clear(), await rows(host)) == (0, 1)
    assert host.places.state(ref_of(claim)).exists()


@pytest.mark.slow  # many runs of git
async def test_submissions_beside_clearing_find_their_workspace(
    host: Host, removals: Removals
) -> None:
    async def submit() -> None:
        await host.store.tasks.submit(submission(workspace="shop"))

    for _ in range(8):
        claim = await done(host, "shop")
        await asyncio.gather(removals.delete(claim.task_id, ME), *(submit() for _ in range(3)))
        for _ in range(3):
            waiting = await host.claim()
            await host.workspaces.open(waiting.task_id, ref_of(waiting))
            await host.store.journal().commit(decision(waiting))
            await host.store.journal().commit(ending(waiting, version=2))
        await batches(removals)
        await removals.clear()
    assert await rows(host) == 0


@pytest.fixture(autouse=True)
async def _no_locks_are_left(host: Host) -> AsyncGenerator[None]:
    yield
    [row] = await host.store.pool.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        " AND datname = current_database()"
    )
    assert row[0] == 0
