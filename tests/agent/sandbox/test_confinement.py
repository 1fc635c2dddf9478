"""What a command in bubblewrap can see and change."""

import os
import shutil
from pathlib import Path

import pytest

from tests.agent.sandbox.running import ROOT, Place

pytestmark = pytest.mark.slow  # real processes, a tenth of a second each


async def test_only_the_workspace_and_its_own_tmp_can_be_written(sandbox: Place) -> None:
    folders = "/ /usr /usr/bin /bin /etc /dev /proc /root /home /var /run /opt /workspace /tmp"
    result = await sandbox.run(
        f"for folder in {folders}; do (echo x > $folder/new) 2> /dev/null && echo $folder; done"
    )
    assert result.output.split() == ["/workspace", "/tmp"]


async def test_the_folders_of_people_and_servers_are_not_there(sandbox: Place) -> None:
    result = await sandbox.run("ls -d /root /home /run /var /sys /opt /mnt /srv 2> /dev/null")
    assert result.output == ""


async def test_no_password_and_no_key_is_in_etc(sandbox: Place) -> None:
    result = await sandbox.run("ls /etc /etc/ssl; cut -d: -f1 /etc/passwd")
    found = set(result.output.split())
    assert {"shadow", "ssh", "private", "hosts", "resolv.conf"}.isdisjoint(found)
    assert {"passwd", "agent"} <= found


async def test_the_workspace_is_at_the_same_place_for_every_task(sandbox: Place) -> None:
    assert (await sandbox.run("pwd")).output == "/workspace\n"


async def test_tmp_is_gone_after_the_command(sandbox: Place) -> None:
    await sandbox.run("echo x > /tmp/x; echo x > ~/x")
    assert (await sandbox.run("ls -A /tmp ~")).output == "/tmp:\nhome\n\n/tmp/home:\n"


async def test_kernel_settings_are_read_only_also_for_root(sandbox: Place) -> None:
    result = await sandbox.run(
        "for file in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/self/uid_map;"
        " do [ -r $file ] || [ -w $file ] && echo there; [ -w $file ] && echo writable; done"
    )
    assert set(result.output.split()) == {"there"}


async def test_there_is_no_terminal_to_type_into(sandbox: Place) -> None:
    result = await sandbox.run(
        "cut -d' ' -f6,7 /proc/self/stat; (: < /dev/tty) 2> /dev/null; echo $?"
    )
    session, terminal, opened = result.output.split()
    assert (int(session) > 0, terminal, opened) == (True, "0", "1")


async def test_no_further_namespace_can_be_made(sandbox: Place) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    assert (await sandbox.run("unshare --user true")).exit_code != 0


async def test_there_are_no_devices_but_the_harmless_ones(sandbox: Place) -> None:
    result = await sandbox.run("find /dev -type b -o -type c | sort; mknod n c 1 1 2>&1")
    allowed = {
        f"/dev/{name}" for name in ("full", "null", "ptmx", "random", "tty", "urandom", "zero")
    }
    lines = result.output.splitlines()
    assert set(lines[:-1]) <= allowed | {"/dev/pts/ptmx"}
    assert "Operation not permitted" in lines[-1]


async def test_files_that_a_command_makes_belong_to_the_agents_user(sandbox: Place) -> None:
    await sandbox.run("touch made")
    assert (sandbox.directory / "made").stat().st_uid == os.getuid()


async def test_git_works_in_the_workspace(sandbox: Place) -> None:
    result = await sandbox.run(
        "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first"
        " && git log --format=%s"
    )
    assert result.output == "first\n"


async def test_the_tests_of_the_sample_shop_run(sandbox: Place) -> None:
    shutil.copytree(ROOT / "examples" / "shop", sandbox.directory)
    result = await sandbox.run("python3 -m unittest -q")
    assert "Ran " in result.output, result.output


async def test_a_workspace_behind_a_link_is_mounted_as_what_it_is(
    sandbox: Place, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    sandbox.directory.symlink_to(tmp_path / "real")
    await sandbox.run("touch here")
    assert (tmp_path / "real" / "here").exists()
