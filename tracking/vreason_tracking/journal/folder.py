"""One run's folder in the journal.

20261120T094512-3f2a9c/
    run.json                  the manifest
    00000001.journal          fragments, closed: never changed again
    00000002.journal.open     the fragment being written
    sealed                    how many fragments there were when a session ended
    lease                     locked by the process that runs it
    delivery.log              what has been delivered, and where to
    delivery.lease            locked by the process that delivers it
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.journal.lease import Lease
from vreason_tracking.journal.manifest import Manifest

MANIFEST = "run.json"
CLOSED, OPEN = ".journal", ".journal.open"
_FRAGMENT = re.compile(r"(\d{8})\.journal(\.open)?")


def new_run_id() -> str:
    """A name that sorts by time and is nobody else's: the second, UTC, and three random bytes."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + "-" + secrets.token_hex(3)


class RunFolder:
    """A run's folder. Making one touches nothing; `create` writes a new one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, manifest: Manifest) -> RunFolder:
        """A new run below `root`, its manifest safe on disk.

        Raises:
            TrackingError: the folder cannot be written.
        """
        folder, lease = cls.create_owned(root, manifest)
        lease.release()
        return folder

    @classmethod
    def create_owned(cls, root: Path, manifest: Manifest) -> tuple[RunFolder, Lease]:
        """Make the folder of a new run, and take its lease: a run without an owner, newborn or not, is taken for dead.

        Raises:
            TrackingError: the folder cannot be written.
        """
        folder = cls(root / manifest.run_id)
        try:
            folder.path.mkdir(parents=True)
            lease = Lease(folder.lease)
            try:
                write_whole(folder.path / MANIFEST, manifest.to_json().encode("utf-8", "surrogatepass"))
                sync_folder(root)
            except BaseException:
                lease.release()
                raise
        except OSError as error:
            hint = "fix the folder, or name another as tracking.journal"
            raise TrackingError(f"{folder.path}: the journal cannot be written ({error}); {hint}") from error
        return folder, lease

    @property
    def run_id(self) -> str:
        """The run's name in the journal."""
        return self.path.name

    @cached_property
    def manifest(self) -> Manifest:
        """What is known of the run.

        Raises:
            TrackingError: the file is missing or damaged.
        """
        path = self.path / MANIFEST
        try:
            return Manifest.from_json(path.read_text("utf-8", "surrogatepass"), str(path))
        except (OSError, UnicodeError) as error:
            raise TrackingError(f"{path}: cannot be read ({error}); is this a run's journal?") from error

    @property
    def manifest_digest(self) -> str:
        """SHA-256 of the manifest as it lies on disk, in hexadecimal digits; "" where it cannot be read."""
        try:
            return hashlib.sha256((self.path / MANIFEST).read_bytes()).hexdigest()
        except OSError:
            return ""

    @property
    def sealed(self) -> Path:
        """How many fragments there were when a session ended; see `vreason_tracking.journal.seal`."""
        return self.path / "sealed"

    @property
    def lease(self) -> Path:
        """Locked by the process that runs it."""
        return self.path / "lease"

    @property
    def delivery_lease(self) -> Path:
        """Locked by the process that delivers it."""
        return self.path / "delivery.lease"

    @property
    def delivery_log(self) -> Path:
        """What has been delivered."""
        return self.path / "delivery.log"

    def fragment(self, number: int, *, opened: bool = False) -> Path:
        """The path of a fragment, whether it is there or not."""
        return self.path / f"{number:08d}{OPEN if opened else CLOSED}"

    def fragments(self, *, opened: bool = False) -> list[tuple[int, Path]]:
        """Closed fragments (or, with `opened`, those that were never closed) by number, in order."""
        found = []
        for entry in os.scandir(self.path):
            fits = _FRAGMENT.fullmatch(entry.name)
            if fits and bool(fits[2]) == opened:
                found.append((int(fits[1]), Path(entry.path)))
        return sorted(found)


def run_folders(root: Path) -> Iterator[RunFolder]:
    """Every run of a journal, oldest first. A folder without a manifest is a run that died while it was made: nothing is lost with it."""
    try:
        paths = sorted(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise TrackingError(f"{root}: cannot be read ({error}); check its permissions, or name another journal") from error
    for path in paths:
        with contextlib.suppress(OSError):  # somebody else's, in a journal that several share
            if path.name[:1] != "." and (path / MANIFEST).is_file():
                yield RunFolder(path)


def is_run(path: Path) -> bool:
    """Whether a folder of a journal is a run's: its manifest is there, or something that was recorded after that.

    Raises:
        OSError: nobody may look.
    """
    if path.name.startswith(".") or not path.is_dir():
        return False
    return (path / MANIFEST).is_file() or any(_FRAGMENT.fullmatch(entry.name) for entry in os.scandir(path))


def readable_runs(root: Path) -> Iterator[RunFolder]:
    """The folders of runs whose manifest can be read; damaged ones are passed over."""
    for folder in run_folders(root):
        with contextlib.suppress(TrackingError):
            _ = folder.manifest
            yield folder


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that after a crash it is there whole or not at all: temporary file, fsync, rename.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make names that were just made or changed in a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
