"""Workspaces of a host: opened for tasks, read by their owners, replaced when no task is there."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from steersman.adapters.sandbox.launcher.state import read_fence
from steersman.api.ports import Content, FileListing, GitSource, StoredWorkspace
from steersman.app.contents import LARGEST_FILE_BYTES
from steersman.app.workspaces import MOST_FILES
from steersman.core.errors import Invalid, Malformed, NotFound, TaskNotFound, WorkspaceBusy
from steersman.core.ids import OwnerId, TaskId
from steersman.core.tool import ToolFailure
from tests.agent.postgres.making import ME, ending
from tests.agent.workspaces.archives import file, tar, tree
from tests.agent.workspaces.conftest import Host, read

THEY = OwnerId("they")


async def put(host: Host, *files: tuple[str, bytes], name: str = "shop") -> StoredWorkspace:
    archive = host.settings.home / "upload"
    archive.parent.mkdir(exist_ok=True)
    archive.write_bytes(tar(*(file(path, content) for path, content in files)))
    return await host.workspaces.put_archive(ME, name, archive)


async def test_a_workspace_is_made_when_a_task_first_opens_it(host: Host) -> None:
    await host.submit()
    claim = await host.claim()
    assert claim.workspace is not None
    opened = await host.workspaces.open(claim.task_id, claim.workspace)
    opened.files.replace("a.py", b"x", expected=None)
    assert (tree(host.shop), opened.commands) == ({"a.py": b"x"}, None)
    assert read_fence(host.places.state(claim.workspace)) == claim.workspace.fence > 0


async def test_the_diff_is_against_the_first_opening(host: Host) -> None:
    await put(host, ("a.py", b"1\n"))
    task_id = await host.begin()
    (host.shop / "a.py").write_text("2\n")
    await host.workspaces.open(task_id, await host.store.tasks.workspace_of(task_id))
    assert b"-1\n+2\n" in await read(await host.workspaces.diff(task_id, ME))


async def test_before_a_task_begins_there_is_nothing_to_see(host: Host) -> None:
    task_id = await host.submit()
    assert await host.workspaces.files(task_id, ME) == FileListing((), truncated=False)
    assert await read(await host.workspaces.diff(task_id, ME)) == b""
    assert await read(await host.workspaces.archive(task_id, ME)) == bytes(1024)
    with pytest.raises(NotFound):
        await host.workspaces.file(task_id, ME, "a.py")


@pytest.mark.parametrize("owner_id", [ME, THEY])
async def test_nobody_reads_what_is_not_theirs(host: Host, owner_id: OwnerId) -> None:
    task_id = await host.begin()
    (host.shop / "a.py").write_text("x")
    asked = task_id if owner_id == THEY else TaskId("019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01")
    workspaces = host.workspaces
    ask: list[Callable[[], Awaitable[object]]] = [
        lambda: workspaces.files(asked, owner_id),
        lambda: workspaces.file(asked, owner_id, "a.py"),
        lambda: workspaces.diff(asked, owner_id),
        lambda: workspaces.archive(asked, owner_id),
        lambda: workspaces.artifact(asked, owner_id, "a" * 64),
    ]
    for each in ask:
        with pytest.raises(TaskNotFound):
            await each()


@pytest.mark.slow  # thousands of files
async def test_a_long_listing_says_that_it_is_cut(host: Host) -> None:
    task_id = await host.begin()
    for number in range(MOST_FILES + 1):
        (host.shop / f"{number:05}").touch()
    listing = await host.workspaces.files(task_id, ME)
    assert (len(listing.files), listing.truncated) == (MOST_FILES, True)


async def test_a_file_larger_than_the_tools_read_is_streamed(host: Host) -> None:
    task_id = await host.begin()
    raw = os.urandom(3_000_000)
    (host.shop / "large").write_bytes(raw)
    content = await host.workspaces.file(task_id, ME, "large")
    assert (content.size_bytes, await read(content)) == (3_000_000, raw)


async def test_a_file_is_read_as_it_was_when_it_was_opened(host: Host) -> None:
    task_id = await host.begin()
    (host.shop / "a").write_text("before")
    content = await host.workspaces.file(task_id, ME, "a")
    (host.shop / "b").write_text("after, and longer")
    (host.shop / "b").rename(host.shop / "a")
    assert await read(content) == b"before"


@pytest.mark.parametrize("path", ["fifo", "passwd", "folder/key", "giant", "sub", "../x", "/x"])
async def test_only_ordinary_files_are_read(host: Host, tmp_path: Path, path: str) -> None:
    task_id = await host.begin()
    (tmp_path / "key").write_text("theirs")
    os.mkfifo(host.shop / "fifo")
    (host.shop / "sub").mkdir()
    (host.shop / "passwd").symlink_to("/etc/passwd")
    (host.shop / "folder").symlink_to(tmp_path)
    with (host.shop / "giant").open("wb") as giant:
        giant.truncate(LARGEST_FILE_BYTES + 1)
    with pytest.raises(ToolFailure):
        await host.workspaces.file(task_id, ME, path)


async def test_an_artifact_is_read_by_its_name(host: Host) -> None:
    task_id = await host.begin()
    with pytest.raises(NotFound):
        await host.workspaces.artifact(task_id, ME, "a" * 64)
    await host.store.pool.fetch(
        "INSERT INTO artifacts (task_id, name, bytes) VALUES ($1::text::uuid, $2, $3)",
        task_id,
        "a" * 64,
        b"all of it",
    )
    content: Content = await host.workspaces.artifact(task_id, ME, "a" * 64)
    assert (content.size_bytes, await read(content)) == (9, b"all of it")


async def test_a_put_replaces_everything(host: Host) -> None:
    await put(host, ("a.py", b"1"), ("b.py", b"2"))
    assert await put(host, ("c/d.py", b"345")) == StoredWorkspace(1, 3)
    assert tree(host.shop) == {"c/d.py": b"345"}


async def test_a_put_that_is_refused_changes_nothing(host: Host) -> None:
    await put(host, ("a.py", b"1"))
    with pytest.raises(Malformed):
        await put(host, ("b.py", b"2"), ("../c", b"3"))
    with pytest.raises(Invalid):
        await host.workspaces.put_git(ME, "shop", GitSource(url="git://127.0.0.1:1/x"))
    assert tree(host.settings.workspaces) == {"me/shop/a.py": b"1"}


async def test_a_put_waits_until_no_task_is_there(host: Host) -> None:
    await put(host, ("a.py", b"1"))
    await host.submit()
    claim = await host.claim()
    with pytest.raises(WorkspaceBusy):
        await put(host, ("b.py", b"2"))
    assert tree(host.shop) == {"a.py": b"1"}
    await host.store.journal().commit(ending(claim))
    await put(host, ("b.py", b"2"))
    assert tree(host.shop) == {"b.py": b"2"}


async def test_a_directory_of_the_person_at_the_machine_is_worked_in_and_never_replaced(
    host: Host, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "a.py").write_text("1\n")
    task_id = await host.begin(str(theirs))
    (theirs / "a.py").write_text("2\n")
    assert b"-1\n+2\n" in await read(await host.workspaces.diff(task_id, ME))
    assert not (theirs / ".git").exists()
    await host.store.pool.fetch("UPDATE workspaces SET holder_task_id = NULL")
    with pytest.raises(Invalid, match="directory"):
        await put(host, ("b.py", b"2"))
    assert tree(theirs) == {"a.py": b"2\n"}


async def test_without_git_tasks_work_and_the_diff_says_what_is_missing(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    task_id = await host.begin()
    (host.shop / "a.py").write_text("x")
    assert len((await host.workspaces.files(task_id, ME)).files) == 1
    with pytest.raises(NotFound, match="Install git"):
        await host.workspaces.diff(task_id, ME)


async def test_a_start_that_was_not_kept_is_not_made_up_later(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without_git:
        without_git.setenv("PATH", "/nowhere")
        task_id = await host.begin()
    (host.shop / "a.py").write_text("x")
    await host.workspaces.open(task_id, await host.store.tasks.workspace_of(task_id))
    with pytest.raises(NotFound, match="not kept"):
        await host.workspaces.diff(task_id, ME)
