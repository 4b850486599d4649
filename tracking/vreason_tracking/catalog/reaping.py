"""Closing the runs of a journal whose process is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import local_runs
from vreason_tracking.delivery import Reaped
from vreason_tracking.journal import close_dead_run
from vreason_tracking.records import HOST_TAG


def reap_journal(root: Path, *, dry: bool = False) -> Iterator[Reaped]:
    """Close every run of a journal whose process is gone, one after the other; with `dry` only say which.

    Raises:
        TrackingError: at the end, when some could not be closed; the message says which, and why.
    """
    failures = []
    for run in local_runs(root):
        try:
            if not run.unclosed:
                continue
            end = None if dry else close_dead_run(run.folder)
            reason = end.error if end and end.error else "its process is gone"
            yield Reaped(run.run_id, run.variant, run.manifest.tags.get(HOST_TAG, "unknown"), reason)
        except TrackingError as error:
            failures.append(str(error))
    if failures:
        raise TrackingError("\n".join(failures))
