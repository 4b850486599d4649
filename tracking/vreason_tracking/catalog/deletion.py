"""Deleting runs: in MLflow (where it is soft: `mlflow gc` ends it) with the runs of their samples, and their folders in the journal."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass

from vreason.errors import TrackingError
from vreason_tracking.audit import enter
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.stored_run import translate_store_errors
from vreason_tracking.journal import LeaseTakenError, RunFolder, sync_folder, take_lease
from vreason_tracking.records import HOST_TAG, user_name
from vreason_tracking.stores import PARENT_TAG, MlflowStore, open_store, portable_uri


@dataclass(frozen=True)
class Deleted:
    """What was deleted of a run: its id, the variant, how many MLflow runs (with those of its samples), and whether its journal."""

    id: str
    variant: str
    mlflow_runs: int
    journal: bool


class Deletion:
    """The deletion of one run. Making one checks that it may be, and asks the store; `carry_out` does it.

    Args:
        run: the run.
        catalog: where it was found.
        journal_too: also its folder in the journal.
        even_undelivered: also a folder that holds points that MLflow has not.

    Raises:
        TrackingError: it is under way, points would be lost, there is nothing of it to delete, or the store cannot be asked.
    """

    def __init__(self, run: Run, catalog: Catalog, *, journal_too: bool, even_undelivered: bool) -> None:
        self.run, self._catalog = run, catalog
        self._local = run.local if journal_too else None
        self._require_ended()
        if self._local is not None:
            _require_own_folder(self._local.folder)
            if self._local.waiting and not even_undelivered:
                raise TrackingError(
                    f"run {run.journal_id}: {self._local.waiting:,} points of it are not in MLflow; `vreason-track journal deliver"
                    f" {run.journal_id}` carries them there, --even-undelivered deletes them"
                )
        self._store = self._store_that_holds_it()
        if not self.in_mlflow and self._local is None:
            raise TrackingError(f"run {run.journal_id} is in the journal only; --journal-too deletes it there")

    def _require_ended(self) -> None:
        run = self.run
        if run.status == "RUNNING":
            who = run.local.holder if run.local else f"a process on {run.tags.get(HOST_TAG, 'another machine')}"
            raise TrackingError(f"run {run.shown_id} is under way ({who}); stop that first")

    @property
    def in_mlflow(self) -> bool:
        """Whether MLflow holds it, not deleted."""
        return self._store is not None

    def _store_that_holds_it(self) -> MlflowStore | None:
        """None where no store has it, or it is deleted there."""
        run_id = self.run.mlflow_id
        if run_id is None:
            return None
        store = store_of(self.run, self._catalog)
        with translate_store_errors(store):
            present = store.state_of(run_id) == "active"
        return store if present else None

    def describe(self) -> str:
        """What will be gone, in words."""
        where = ["MLflow, with the runs of its samples"] if self.in_mlflow else []
        where += [f"the journal {self._local.folder.path}"] if self._local else []
        lost = f" and {self._local.waiting:,} points that are nowhere else" if self._local and self._local.waiting else ""
        return f"{self.run.shown_id} ({self.run.variant}) from {' and '.join(where)}{lost}"

    def carry_out(self) -> Deleted:
        """Delete it: first in MLflow, its samples before itself, so that what is interrupted can be done again.

        Raises:
            TrackingError: the store or the disk refuses; or a process has taken the run in the meantime.
        """
        with ExitStack() as held:
            if self._local is not None:
                _take(held, self._local.folder)
            details = {"variant": self.run.variant, "mlflow": self.in_mlflow, "journal": self._local is not None}
            enter(self._catalog.root, "run.deleted", user_name(), f"run:{self.run.shown_id}", details=details)
            count = self._delete_in_mlflow()
            if self._local is not None:
                _delete_folder(self._local.folder)
        return Deleted(self.run.shown_id, self.run.variant, count, self._local is not None)

    def _delete_in_mlflow(self) -> int:
        """Delete the run and those of its samples, if MLflow holds it; returns how many."""
        store, run_id = self._store, self.run.mlflow_id
        if store is None:
            return 0
        with translate_store_errors(store):
            nested = store.all_runs(f"tags.`{PARENT_TAG}` = '{run_id}'", "attributes.start_time ASC")
            for run in nested:
                store.client.delete_run(run.info.run_id)
            store.client.delete_run(run_id)
        return len(nested) + 1


def store_of(run: Run, catalog: Catalog) -> MlflowStore:
    """The store that a run was found in, else the one that it was delivered to.

    Raises:
        TrackingError: it cannot be opened, or another one was named.
    """
    if run.stored is not None:
        return run.stored.store
    delivered_to = run.local.marks.uri if run.local else None
    uri = catalog.uri
    if delivered_to is not None and delivered_to != portable_uri(uri):
        if catalog.named or "***" in delivered_to:
            raise TrackingError(f"run {run.journal_id} was delivered to {delivered_to}; name that with --tracking-uri")
        uri = delivered_to
    return open_store(uri, run.experiment, patient=False)


def _require_own_folder(folder: RunFolder) -> None:
    """A link leads somewhere else: what lies there is not ours to delete."""
    if folder.path.is_symlink():
        raise TrackingError(f"{folder.path}: is a link to {folder.path.resolve()}; delete it there, or take the link away yourself")


def _take(held: ExitStack, folder: RunFolder) -> None:
    """Own the run while it is deleted, so that nobody begins to continue or deliver it."""
    for path in (folder.lease, folder.delivery_lease):
        try:
            held.enter_context(take_lease(path))
        except LeaseTakenError as error:
            raise TrackingError(f"run {folder.run_id} is in use by {error.holder}; wait for it, or stop it") from error


def _delete_folder(folder: RunFolder) -> None:
    """By another name first: a hidden folder is no run, whatever happens next. `rmtree` follows no link."""
    doomed = folder.path.with_name(f".deleted-{folder.path.name}")
    try:
        folder.path.rename(doomed)
        sync_folder(folder.path.parent)
        shutil.rmtree(doomed)
        sync_folder(folder.path.parent)
    except OSError as error:
        raise TrackingError(f"{error.filename or folder.path}: cannot be deleted ({error.strerror}); check the permissions") from error
