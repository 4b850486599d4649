"""Can a folder be written to, and is there room on its disk? Nothing is created but a temporary file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vreason_tracking.health.check import Check, State

LOW_DISK, NO_DISK = 2_000_000_000, 200_000_000  # bytes free: below the first a warning, below the second a failure


def store_folder(uri: str) -> Path:
    """The folder that a run fills beside its journal: the SQLite file's, else the current one, where artifacts go."""
    database = uri.removeprefix("sqlite:///").split("?")[0] if uri.startswith("sqlite:///") else ""
    return Path(database).absolute().parent if database not in ("", ":memory:") else Path.cwd()


def place_checks(place: Path, name: str = "folder") -> Iterator[Check]:
    """Whether a folder can be written to, or be created; and room on its disk.

    Args:
        place: the folder.
        name: of the first check.
    """
    there = next(parent for parent in (place, *place.parents) if parent.exists())
    if not there.is_dir():
        yield Check(name, "failure", f"{there} is a file, and a folder is needed", "move it away, or choose another folder")
        return
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        yield Check(name, "failure", f"{place} cannot be written: {error.strerror}", "choose a folder that this user may write to")
        return
    yield Check(name, "ok", f"{place} can be written" if there == place else f"{place} can be created")
    yield disk(there, shutil.disk_usage(there).free)


def disk(place: Path, free: int) -> Check:
    """Room on the disk of `place`; `free` in bytes."""
    state: State = "failure" if free < NO_DISK else "warning" if free < LOW_DISK else "ok"
    hint = "" if state == "ok" else f"make room, or choose a folder on another disk; {LOW_DISK / 1e9:g} GB are enough"
    return Check("disk", state, f"{free / 1e9:.1f} GB free at {place}", hint)
