"""Checking runs of a journal: which ones, and each so that whatever is wrong with it is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import local_runs
from vreason_tracking.catalog.lookup import require
from vreason_tracking.journal import Corruption, RunFolder, Verification, verify

_ATTEMPTS = 3  # a run under way closes its fragment while it is looked at


def chosen_folders(root: Path, names: Sequence[str]) -> list[RunFolder]:
    """The runs of these names, each once; all of the journal without names.

    Raises:
        TrackingError: there is no such run, or the journal cannot be read.
    """
    if not names:
        return [run.folder for run in local_runs(root)]
    return list({folder.run_id: folder for folder in (require(root, name) for name in names)}.values())


def check(folder: RunFolder) -> Verification:
    """`verify`, with what cannot be read at all among the damages."""
    for _ in range(_ATTEMPTS):
        try:
            return verify(folder)
        except FileNotFoundError:
            continue
        except (OSError, TrackingError) as error:
            return _unreadable(folder, str(error))
    return _unreadable(folder, "its files change faster than they can be read")


def _unreadable(folder: RunFolder, reason: str) -> Verification:
    return Verification(folder.run_id, 0, 0, 0, (Corruption(folder.path.name, 0, 0, reason),), 0, 0, False)
