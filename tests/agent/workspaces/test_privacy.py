"""Other users of the machine do not look into what is ours."""

import os
from pathlib import Path

from steersman.app.places import make_private
from steersman.app.wiring import prepare
from steersman.settings import Settings
from tests.agent.postgres.making import ME
from tests.agent.workspaces.conftest import Host
from tests.agent.workspaces.test_home import put


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def open_to_all(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def test_a_start_makes_home_and_workspaces_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "new" / "home")
    prepare(settings)
    assert [mode(path) for path in (settings.home, settings.workspaces)] == [0o700, 0o700]


def test_a_start_closes_what_an_earlier_one_left_open(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    open_to_all(settings.home, settings.workspaces)
    prepare(settings)
    passing = 0o711 if os.geteuid() == 0 else 0o700
    assert [mode(path) for path in (settings.home, settings.workspaces)] == [passing, 0o700]


def test_a_folder_that_everybody_uses_stays_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    make_private(Settings(home=shared))
    assert (mode(shared), mode(shared / "workspaces")) == (0o1777, 0o700)


def test_workspaces_elsewhere_are_as_their_owner_made_them(tmp_path: Path) -> None:
    open_to_all(tmp_path / "projects")
    make_private(Settings(home=tmp_path / "home", workspaces=tmp_path / "projects"))
    assert mode(tmp_path / "projects") == 0o755


async def test_each_owners_workspaces_are_private_also_those_that_were_open(host: Host) -> None:
    owners = host.settings.workspaces / ME
    open_to_all(owners, host.shop)
    await host.begin()
    assert [mode(path) for path in (owners, host.shop)] == [0o700, 0o700]


async def test_what_is_put_is_private(host: Host) -> None:
    await put(host, ("a.py", b"x"))
    assert [mode(path) for path in (host.shop.parent, host.shop)] == [0o700, 0o700]


async def test_a_directory_of_the_persons_own_keeps_its_permissions(
    host: Host, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    open_to_all(theirs)
    await host.begin(str(theirs))
    assert mode(theirs) == 0o755
