"""Where the two sides of the record are, and the ways to read them: all of it, or as much as a run's name needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.index import CatalogIndex, Sources, join_runs, newest_first
from vreason_tracking.catalog.local_run import local_runs
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.stored_run import stored_runs
from vreason_tracking.stores import DEFAULT_URI, open_store, portable_uri, redact_password, resolved_uri


@dataclass(frozen=True)
class FoundRuns:
    """Runs that were looked for by their names.

    Attributes:
        runs: in the order of the names.
        index: what was read to find them: of the journal only, where whole ids of the journal were all that was asked for.
    """

    runs: Sequence[Run]
    index: CatalogIndex


class Catalog:
    """The journal of this machine and an MLflow store. Keeps nothing of what it reads.

    Args:
        root: the journal's folder.
        uri: of the store; None takes MLflow's own variable, else the SQLite file in this folder.
        experiment: its name; None takes all.
        artifacts: as in `MlflowStore`.

    Attributes:
        named: whether somebody named a store, here or in MLflow's variable.
    """

    def __init__(self, root: Path, uri: str | None, experiment: str | None, artifacts: str | None = None) -> None:
        self.root, self.uri, self.experiment, self._artifacts = root, resolved_uri(uri), experiment, artifacts
        self.named = self.uri != DEFAULT_URI

    @property
    def address(self) -> str:
        """The store's, as it may be shown."""
        return redact_password(self.uri)

    def read(self) -> CatalogIndex:
        """Every run of the experiment, from both sides. That the store cannot be read is no error: the index says why.

        Raises:
            TrackingError: the journal's folder is none, or cannot be read.
        """
        return self.read_store(self.read_journal())

    def read_journal(self) -> CatalogIndex:
        """The runs of the journal; the store is not asked.

        Raises:
            TrackingError: the folder is none, or cannot be read.
        """
        found = local_runs(self.root)
        readable = [run for run in found if not run.fault]
        runs = [Run(run, None, None) for run in readable if self.experiment in (None, run.manifest.experiment)]
        damaged = [run for run in found if run.fault]
        return CatalogIndex(self.root, self.address, damaged=damaged, runs=newest_first(runs), journal=readable)

    def read_stored(self) -> CatalogIndex:
        """The runs of the store; the journal is not looked at."""
        return self.read_store(CatalogIndex(self.root, self.address))

    def read_store(self, index: CatalogIndex) -> CatalogIndex:
        """This index with the store's runs added; unchanged where the store was asked before."""
        if index.store_tried:
            return index
        opened = self.open_store()
        if opened.store is None:
            return replace(index, store_error=opened.store_error)
        try:
            stored = stored_runs(opened.store)
        except TrackingError as error:
            return replace(index, store=opened.store, store_error=error)
        local = [run.local for run in index.runs if run.local is not None]
        return replace(index, store=opened.store, runs=join_runs(local, stored, portable_uri(self.uri)))

    def open_store(self) -> Sources:
        """The store, opened and not read; where that fails `store_error` says why."""
        try:
            return Sources(self.root, self.address, open_store(self.uri, self.experiment, patient=False, artifacts=self._artifacts))
        except TrackingError as error:
            return Sources(self.root, self.address, store_error=error)

    def find(self, name: str) -> Run:
        """The run of this name, as `CatalogIndex.find` has it. For a whole id of the journal the store is not asked.

        Raises:
            TrackingError: there is none, or the beginning fits several; or the journal cannot be read.
        """
        return self.find_all([name]).runs[0]

    def find_all(self, names: Sequence[str], index: CatalogIndex | None = None) -> FoundRuns:
        """The runs of these names, with what was read to find them: each side once, the store only where a name needs it.

        Args:
            names: each as for `find`.
            index: what was read already; None reads the journal.

        Raises:
            TrackingError: as for `find`, of the first name that fails.
        """
        index = index or self.read_journal()
        runs = []
        for name in names:
            run = index.find_by_journal_id(name)
            if run is None:
                index = self.read_store(index)
                run = index.find(name)
            runs.append(run)
        return FoundRuns(runs, index)
