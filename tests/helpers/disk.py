"""Disks for tests of what is written: calls as they reach the kernel, and disks that are really full.

Nothing is replaced: the calls are passed on, and it is the kernel that finds no room.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SIZE = 512 * 1024


class DiskCalls:
    """Notes fsyncs and renames in the order in which they return, with the bytes that the file holds at that moment.

    Attributes:
        calls: ("fsync", name, bytes) or ("replace", old name, new name). A folder's name ends in "/", and its bytes are b"".
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._fsync, self._replace = os.fsync, os.replace
        patch.setattr(os, "fsync", self._noted_fsync)
        patch.setattr(os, "replace", self._noted_replace)

    def _noted_fsync(self, file: int) -> None:
        self._fsync(file)
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        self.calls.append(("fsync", f"{path.name}/", b"") if path.is_dir() else ("fsync", path.name, path.read_bytes()))

    def _noted_replace(self, old: Path, new: Path) -> None:
        self._replace(old, new)
        self.calls.append(("replace", Path(old).name, Path(new).name))


class FullDisk:
    """A folder whose disk takes nothing more until `make_room`."""

    def __init__(self, folder: Path, fill: Callable[[], None], make_room: Callable[[], None]) -> None:
        self.folder, self.fill, self.make_room = folder, fill, make_room


def mounted(place: Path, options: str) -> bool:
    """Whether a file system in memory could be mounted there, or mounted anew with other options; unmount it."""
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    return shutil.which("mount") is not None and subprocess.run(command, capture_output=True).returncode == 0


@contextlib.contextmanager
def small_disk(place: Path, file: Callable[[], Path]) -> Iterator[FullDisk]:
    """A disk of half a MiB of its own; where nobody may mount one (in some containers), what `full_device` makes of `file`."""
    place.mkdir()
    if not mounted(place, f"size={SIZE}"):
        yield full_device(place, file)
        return
    filler = place / "filler"

    def fill() -> None:
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as taken:
            while True:
                taken.write(b"x" * 4096)

    try:
        yield FullDisk(place, fill, filler.unlink)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def full_device(place: Path, file: Callable[[], Path]) -> FullDisk:
    """An ordinary folder, where the file that `file` names when the disk is to be full becomes /dev/full, the device without room.

    Never read it while it is full: that device is endless.
    """
    place.mkdir(exist_ok=True)
    full: list[Path] = []

    def fill() -> None:
        full.append(file())
        full[-1].unlink(missing_ok=True)
        full[-1].symlink_to("/dev/full")

    return FullDisk(place, fill, lambda: full.pop().unlink(missing_ok=True))


@contextlib.contextmanager
def no_room(size: int = 0) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes: the kernel refuses the rest (EFBIG), whoever the user is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
