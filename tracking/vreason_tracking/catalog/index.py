"""Every run that is known, from both sides of the record: the journal of this machine and an MLflow store, joined by the tag
`RUN_TAG`. Either side may be missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import LocalRun, local_runs
from vreason_tracking.catalog.lookup import choose, missing
from vreason_tracking.catalog.stored_run import StoredRun, stored_runs
from vreason_tracking.record import CONFIG_NAME_TAG, IDENTITY_PREFIX
from vreason_tracking.stores import DEFAULT_URI, MlflowStore, open_store, portable_uri, redact_password, resolved_uri


@dataclass(frozen=True)
class Run:
    """A run, known from one side or from both.

    Attributes:
        local: in the journal.
        stored: in the store.
        in_store: whether the store holds it; None where nobody could look.
    """

    local: LocalRun | None
    stored: StoredRun | None
    in_store: bool | None

    @property
    def journal_id(self) -> str | None:
        """Its name in the journal."""
        return self.local.run_id if self.local else self.stored.journal_id if self.stored else None

    @property
    def mlflow_id(self) -> str | None:
        """Its id in MLflow."""
        return self.stored.run_id if self.stored else self.local.marks.run_id if self.local else None

    @property
    def shown_id(self) -> str:
        """What MLflow calls it, where it is; else the journal's name for it."""
        present = self.mlflow_id if self.in_store is not False else None
        return present or self.journal_id or self.mlflow_id or ""

    @property
    def ids(self) -> tuple[str, ...]:
        """All that it may be called by, but for its variant."""
        return tuple(each for each in (self.journal_id, self.mlflow_id) if each)

    @property
    def variant(self) -> str:
        """Its name in the config, and in MLflow."""
        return self.local.manifest.variant if self.local else self._there.name

    @property
    def config_name(self) -> str:
        """The name of its config."""
        return self.local.manifest.config_name if self.local else self._there.tags.get(CONFIG_NAME_TAG, "")

    @property
    def experiment(self) -> str:
        """MLflow's experiment."""
        return self.local.manifest.experiment if self.local else self._there.experiment

    @property
    def tags(self) -> dict[str, str]:
        """Provenance, and what the store has put beside it."""
        return {**(self.stored.tags if self.stored else {}), **(self.local.manifest.tags if self.local else {})}

    @property
    def identity(self) -> dict[str, str]:
        """Digests by part, "run" for the whole; empty for runs of a version that had none."""
        if self.local:
            return dict(self.local.manifest.identity)
        return {name.removeprefix(IDENTITY_PREFIX): value for name, value in self._there.tags.items() if name.startswith(IDENTITY_PREFIX)}

    @property
    def started_ms(self) -> int:
        """When it was begun, Unix time in milliseconds."""
        return self.local.manifest.created_ms if self.local else self._there.started_ms

    @property
    def ended_ms(self) -> int | None:
        """When it ended, Unix time in milliseconds; None while it is under way, and where nobody knows."""
        if self.local:
            return self.local.end.ended_ms if self.local.holder is None and self.local.end else None
        return self._there.ended_ms

    @property
    def status(self) -> str:
        """RUNNING, SILENT, FINISHED, FAILED or KILLED. What the journal says counts: it knows whether the process lives."""
        return self.local.status if self.local else self._there.status

    @property
    def _there(self) -> StoredRun:
        assert self.stored is not None, "a run is known from one side at least"
        return self.stored


class Catalog:
    """Looks at both sides, the store only when it has to.

    Args:
        root: the journal.
        uri: of the store; None takes MLflow's own variable, else the SQLite file in this folder.
        experiment: its name; None takes all.

    Attributes:
        named: whether somebody named a store, here or in MLflow's variable.
        store_error: why the store could not be read, once it was looked at; None when it could.
        damaged: runs of the journal of which nothing can be said; `LocalRun.fault` says why.
    """

    def __init__(self, root: Path, uri: str | None, experiment: str | None) -> None:
        self.root, self.uri, self.experiment = root, resolved_uri(uri), experiment
        self.named = resolved_uri(uri) != DEFAULT_URI
        self.store_error: TrackingError | None = None
        self.damaged: list[LocalRun] = []

    @property
    def address(self) -> str:
        """The store's, as it may be shown."""
        return redact_password(self.uri)

    @cached_property
    def store(self) -> MlflowStore | None:
        """The store; None when it cannot be used, and `store_error` says why."""
        try:
            return open_store(self.uri, self.experiment, patient=False)
        except TrackingError as error:
            self.store_error = error
            return None

    @cached_property
    def local(self) -> Sequence[LocalRun]:
        """Runs of the journal, oldest first.

        Raises:
            TrackingError: the folder is none, or cannot be read.
        """
        found = local_runs(self.root)
        self.damaged = [run for run in found if run.fault]
        return [run for run in found if not run.fault]

    @cached_property
    def runs(self) -> Sequence[Run]:
        """All of them, newest first; those of the journal only where the store cannot be read.

        Raises:
            TrackingError: the journal cannot be read.
        """
        local = [run for run in self.local if self.experiment in (None, run.manifest.experiment)]
        present = self._stored()
        pairs = _pairs(local, present or [])
        joined = {id(stored) for stored in pairs.values()}
        runs = [Run(run, pairs.get(run.run_id), self._is_there(run, pairs.get(run.run_id), present)) for run in local]
        runs += [Run(None, run, True) for run in present or [] if id(run) not in joined]
        return sorted(runs, key=lambda run: run.started_ms, reverse=True)

    def find(self, name: str) -> Run:
        """The run whose id, here or in MLflow, is `name`; else the newest of a variant of that name; else the one whose id begins so.

        A whole id of the journal is found without a look at the store; the journal is searched in all experiments.

        Raises:
            TrackingError: there is none, or the beginning fits several.
        """
        known = [Run(run, None, None) for run in self.local]
        exact = next((run for run in known if name in run.ids), None)
        if exact is not None:
            return exact
        here = {run.journal_id for run in self.runs}
        candidates = [*self.runs, *(run for run in known if run.journal_id not in here)]
        found = choose(candidates, name, f"{self.root} and {self.address}")
        if found is None:
            raise self._missing(name, candidates)
        return found

    def _missing(self, name: str, known: Sequence[Run]) -> TrackingError:
        places = f"the journal {self.root}" + ("" if self.store_error else f" or in {self.address}")
        newest = sorted(known, key=lambda run: run.started_ms, reverse=True)
        text = missing(name, places, [f"{run.shown_id[:22]} ({run.variant})" for run in newest])
        if self.damaged:
            text += f"; {len(self.damaged)} run(s) of the journal cannot be read: see `vreason-track journal status`"
        if self.store_error:
            return type(self.store_error)(f"{text}; the store was not searched: {self.store_error}")
        return TrackingError(text)

    def _stored(self) -> list[StoredRun] | None:
        """The store's runs; None when it cannot be read."""
        if self.store is None:
            return None
        try:
            return stored_runs(self.store)
        except TrackingError as error:
            self.store_error = error
            return None

    def _is_there(self, run: LocalRun, stored: StoredRun | None, present: Sequence[StoredRun] | None) -> bool | None:
        if stored is not None:
            return True
        same_store = run.marks.uri in (None, portable_uri(self.uri))
        return False if present is not None and same_store else None


def _pairs(local: Sequence[LocalRun], present: Sequence[StoredRun]) -> dict[str, StoredRun]:
    """The run of the store by the journal's name for it; the one that the marks name, should there be several."""
    found: dict[str, StoredRun] = {}
    marked = {run.run_id: run.marks.run_id for run in local}
    for stored in present:
        name = stored.journal_id
        if name in marked and (name not in found or marked[name] == stored.run_id):
            found[name] = stored
    return found
