"""The runs of this machine's journal and of an MLflow store as one list, as they were read; either side may be missing.

These are values that `Catalog` makes when it has read: nothing here looks at a disk or a store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.catalog.lookup import choose, missing
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.stored_run import StoredRun
from vreason_tracking.stores import MlflowStore


@dataclass(frozen=True)
class Sources:
    """Where the two sides of the record are, and what of them could not be read.

    Attributes:
        root: the journal's folder.
        address: the store's, as it may be shown.
        store: the store, opened; None where it cannot be opened, or was not asked.
        store_error: why the store could not be opened or read; None when it could, or was not asked.
        damaged: runs of the journal of which nothing can be said; `LocalRun.fault` says why.
    """

    root: Path
    address: str
    store: MlflowStore | None = None
    store_error: TrackingError | None = None
    damaged: Sequence[LocalRun] = ()

    @property
    def store_tried(self) -> bool:
        """Whether somebody tried to open the store."""
        return self.store is not None or self.store_error is not None


@dataclass(frozen=True)
class CatalogIndex(Sources):
    """The runs that are known, and what of both sides could not be read.

    Attributes:
        runs: of one experiment or of all, newest first; those of the journal only where the store could not be read, or was not asked.
        journal: every run of the journal that can be read, of all experiments, oldest first.
    """

    runs: Sequence[Run] = ()
    journal: Sequence[LocalRun] = ()

    def find_by_journal_id(self, name: str) -> Run | None:
        """The run of the journal, of whatever experiment, whose whole id, here or in MLflow, is `name`; None when there is none."""
        return next((run for run in self._of_journal() if name in run.ids), None)

    def find(self, name: str) -> Run:
        """The run whose id, here or in MLflow, is `name`; else the newest of a variant of that name; else the one whose id begins so.

        The journal is searched in all experiments.

        Raises:
            TrackingError: there is none, or the beginning fits several.
        """
        listed = {run.journal_id for run in self.runs}
        candidates = [*self.runs, *(run for run in self._of_journal() if run.journal_id not in listed)]
        found = self.find_by_journal_id(name) or choose(candidates, name, f"{self.root} and {self.address}")
        if found is None:
            raise self._missing(name, candidates)
        return found

    def _of_journal(self) -> list[Run]:
        return [Run(run, None, None) for run in self.journal]

    def _missing(self, name: str, known: Sequence[Run]) -> TrackingError:
        places = f"the journal {self.root}" + ("" if self.store_error else f" or in {self.address}")
        runs = newest_first(known)
        text = missing(name, places, [f"{run.shown_id[:22]} ({run.variant})" for run in runs], [run.variant for run in runs])
        if self.damaged:
            text += f"; {len(self.damaged)} run(s) of the journal cannot be read: see `vreason-track journal status`"
        if self.store_error:
            return type(self.store_error)(f"{text}; the store was not searched: {self.store_error}")
        return TrackingError(text)


def newest_first(runs: Sequence[Run]) -> list[Run]:
    """By the time at which they were begun."""
    return sorted(runs, key=lambda run: run.started_ms, reverse=True)


def join_runs(local: Sequence[LocalRun], stored: Sequence[StoredRun], uri: str) -> list[Run]:
    """The runs of both sides, joined by the tag `vreason.run_id`, newest first.

    Args:
        local: of the journal.
        stored: of the store, all that it holds.
        uri: the store's address as a journal keeps it.
    """
    pairs = _pairs(local, stored)
    paired = {id(run) for run in pairs.values()}
    runs = [Run(run, pairs.get(run.run_id), _is_in_store(run, run.run_id in pairs, uri)) for run in local]
    runs += [Run(None, run, True) for run in stored if id(run) not in paired]
    return newest_first(runs)


def _is_in_store(run: LocalRun, paired: bool, uri: str) -> bool | None:
    """None for a run that was delivered to another store, which nobody has asked."""
    if paired:
        return True
    return False if run.marks.uri in (None, uri) else None


def _pairs(local: Sequence[LocalRun], stored: Sequence[StoredRun]) -> dict[str, StoredRun]:
    """The run of the store by the journal's name for it; the one that the marks name, should there be several."""
    found: dict[str, StoredRun] = {}
    marked = {run.run_id: run.marks.run_id for run in local}
    for run in stored:
        name = run.journal_id
        if name in marked and (name not in found or marked[name] == run.run_id):
            found[name] = run
    return found
