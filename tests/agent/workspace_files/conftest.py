"""A workspace with a neighbour that nobody in it may see."""

import hashlib
from pathlib import Path

import pytest

from steersman.adapters.workspace import DirectoryFiles

SECRET = b"the neighbour's secret"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(SECRET)
    root = tmp_path / "workspace"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "cart.py").write_bytes(b"total = 1\n")
    return root


@pytest.fixture
def files(root: Path) -> DirectoryFiles:
    return DirectoryFiles(root)
