"""What a model sees of a workspace as a whole."""

from steersman.core.text import INLINE_LIMIT_BYTES
from tests.agent.tools.conftest import Workplace


async def test_files_are_listed_with_their_sizes(work: Workplace) -> None:
    work.write("shop/cart.py", b"x" * 1_234)
    work.write("README.md", b"")
    assert await work.call("list_files") == "README.md  0 bytes\nshop/cart.py  1,234 bytes"
    assert await work.call("list_files", path="shop", pattern="*.md") == (
        "(no files match the pattern)"
    )


async def test_an_empty_workspace_has_no_files(work: Workplace) -> None:
    assert await work.call("list_files") == "(no files)"


async def test_many_files_are_counted_by_folder(work: Workplace) -> None:
    for number in range(160):
        work.write(f"src/part{number % 2}/{number}.py", b"")
    work.write("README.md", b"x")
    head = "files; give a folder as path, or a pattern, to see more)"
    assert await work.call("list_files") == f"(161 {head}\nsrc/  160 files\nREADME.md  1 bytes"
    assert await work.call("list_files", path="./src/") == (
        f"(160 {head}\nsrc/part0/  80 files\nsrc/part1/  80 files"
    )
    assert (await work.call("list_files", path="src/part0")).count("\n") == 79


async def test_a_listing_fits_into_an_event(work: Workplace) -> None:
    for number in range(1_000):
        work.write(f"file-{number:04}.py", b"")
    listing = await work.call("list_files")
    assert listing.startswith("(1,000 files; ")
    assert "850 lines left out" in listing.partition("\n")[0]
    assert len(listing.encode()) < INLINE_LIMIT_BYTES


async def test_a_folder_that_is_not_there_is_not_found(work: Workplace) -> None:
    assert (await work.failure("list_files", path="none"))[0] == "not_found"
