"""Copy one commit of a repository that strangers serve.

The copy is a working copy like any other, with a `.git` that git itself has written: no hooks, no
submodules, no filters (files of Git LFS stay pointers), no address with a password.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, cast
from urllib.parse import unquote

from steersman.adapters.git.program import TOO_LARGE, GitFailed, GitTimeout, Terms, started
from steersman.core.errors import Invalid, TooLarge

_FULL_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_MOST_CHARACTERS = 300
_SHORTEST_SECRET = 4
_LOGIN_IN_URL = re.compile(r"://[^/\s]+@")
_CHUNK_BYTES = 64 * 1024
_LOOK_SECONDS = 0.05
# A pack that grows too large ends git itself or only the part of it that writes packs.
_PACK_TOO_LARGE = (TOO_LARGE, "invalid index-pack output")
_LOGIN_WANTED = ("could not read Username", "Authentication failed", "Permission denied")
_SAYS_NOTHING = (
    "fatal: Could not read from remote repository",
    "fatal: could not fetch",
    "Please make sure you have the correct access rights",
    "and the repository exists",
    "warning:",
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large and slow a repository may be. `packed_bytes` is what travels."""

    time: timedelta = timedelta(seconds=120)
    packed_bytes: int = 512 * 1024 * 1024
    files: int = 50_000
    total_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cloned:
    """What was checked out."""

    files: int
    size_bytes: int


_BOUNDS = Bounds()


def clone(
    url: str,
    ref: str | None,
    tree: Path,
    keep_on: Callable[[], None],
    *,
    bounds: Bounds = _BOUNDS,
) -> Cloned:
    """Fetch a branch, a tag or a commit by its full id into an empty folder, without its past.

    Raises Invalid when git cannot, TooLarge, and what `keep_on` raises.
    """
    address = Address.of(url)
    copying = _Copying(address, tree, bounds, keep_on)
    try:
        copying.fetch(ref)
        cloned = copying.measure()
        copying.git("reset", "--hard", "--quiet")
    except GitTimeout as error:
        raise Invalid(f"The repository is too slow or too large: {error}.") from None
    except GitFailed as error:
        if any(sign in str(error) for sign in _PACK_TOO_LARGE):
            most = f"{bounds.packed_bytes:,}"
            raise TooLarge(f"The commit has more than {most} bytes, or is broken.") from None
        raise Invalid(address.explain(str(error))) from None
    return cloned


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is. `shown` is the address without a login; secrets are never shown."""

    url: str
    shown: str
    secrets: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> "Address":
        """Tell the login from the address."""
        scheme, _, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        login, _, host = authority.rpartition("@")
        user, _, password = login.partition(":")
        is_web = scheme in ("http", "https")
        kept = "" if is_web or not user else f"{user}@"
        secrets = {password, unquote(password), *((user, unquote(user)) if is_web else ())} - {""}
        # A shorter one is no secret, and would be struck out of every word that holds it.
        secrets = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        shown = f"{scheme}://{kept}{host}{slash}{path}"
        return cls(url, shown, tuple(sorted(secrets, key=len, reverse=True)))

    @property
    def settings(self) -> dict[str, str]:
        """Let git use the login without that it is an argument or is written down."""
        return {} if self.url == self.shown else {f"url.{self.url}.insteadOf": self.shown}

    def explain(self, errors: str) -> str:
        """Say in one line why git could not do it."""
        lines = [line.strip() for line in errors.splitlines() if line.strip()]
        telling = [line for line in lines if not line.startswith(_SAYS_NOTHING)]
        fatal = [line for line in telling if line.startswith(("fatal:", "error:"))]
        reason = (fatal or telling or lines or ["it gave no reason"])[-1]
        reason = _LOGIN_IN_URL.sub("://***@", reason)
        for secret in self.secrets:
            reason = reason.replace(secret, "***")
        reason = reason.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
        login = any(word in reason for word in _LOGIN_WANTED)
        hint = "; put a login into the URL, or check it" if login else ""
        return f"git could not copy {self.shown}: {reason[:_MOST_CHARACTERS]}{hint}."


@dataclass(frozen=True, slots=True)
class _Copying:
    address: Address
    tree: Path
    bounds: Bounds
    keep_on: Callable[[], None]

    def fetch(self, ref: str | None) -> None:
        """Get the commit and point HEAD at it."""
        url, quietly = self.address.shown, ("--quiet", "--depth=1", "--no-tags")
        if ref is None or _FULL_ID.fullmatch(ref) is None:
            branch = () if ref is None else (f"--branch={ref}",)
            self.git("clone", *quietly, "--no-checkout", "--template=", *branch, "--", url, ".")
        else:  # only branches and tags can be cloned by name
            self.git("init", "--quiet", "--template=")
            self.git("fetch", *quietly, "--", url, ref)
            self.git("update-ref", "--no-deref", "HEAD", ref)
            (self.tree / ".git/FETCH_HEAD").unlink()

    def measure(self) -> Cloned:
        """Add up what would be checked out: a small repository can hold a giant tree."""
        files = size = 0
        listing = ("ls-tree", "-r", "-l", "-z", "--full-tree", "HEAD")
        with started(listing, self.tree, self._terms) as process:
            for entry in _entries(cast(IO[bytes], process.stdout)):
                self.keep_on()
                files += 1
                size += int(entry) if entry.isdigit() else 0
                if files > self.bounds.files or size > self.bounds.total_bytes:
                    raise TooLarge(
                        f"The commit has more than {self.bounds.files:,} files"
                        f" or {self.bounds.total_bytes:,} bytes."
                    )
        return Cloned(files, size)

    def git(self, *arguments: str) -> None:
        """Run git until it ends or is no longer wanted."""
        with started(arguments, self.tree, self._terms, output=subprocess.DEVNULL) as process:
            while process.poll() is None:
                self.keep_on()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)

    @property
    def _terms(self) -> Terms:
        bounds = self.bounds
        return Terms(bounds.time, self.address.settings, largest_file_bytes=bounds.packed_bytes)


def _entries(listing: IO[bytes]) -> Iterator[bytes]:
    """Yield the size of each entry of `ls-tree -l -z`; `-` for a submodule."""
    rest = b""
    while chunk := listing.read(_CHUNK_BYTES):
        *entries, rest = (rest + chunk).split(b"\0")
        for entry in entries:
            yield entry.partition(b"\t")[0].split()[-1]
