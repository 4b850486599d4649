"""One run as both sides of the record know it: the journal of this machine, and an MLflow store."""

from __future__ import annotations

from dataclasses import dataclass

from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.catalog.stored_run import StoredRun
from vreason_tracking.records import CONFIG_NAME_TAG, IDENTITY_PREFIX


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
        """The run's name in the journal."""
        return self.local.run_id if self.local else self.stored.journal_id if self.stored else None

    @property
    def mlflow_id(self) -> str | None:
        """The run's id in MLflow."""
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
        """The variant's name in the config, and in MLflow."""
        return self.local.manifest.variant if self.local else self._store_side.name

    @property
    def config_name(self) -> str:
        """The name of its config."""
        return self.local.manifest.config_name if self.local else self._store_side.tags.get(CONFIG_NAME_TAG, "")

    @property
    def experiment(self) -> str:
        """MLflow's experiment."""
        return self.local.manifest.experiment if self.local else self._store_side.experiment

    @property
    def tags(self) -> dict[str, str]:
        """Provenance, and what the store has put beside it."""
        return {**(self.stored.tags if self.stored else {}), **(self.local.manifest.tags if self.local else {})}

    @property
    def identity(self) -> dict[str, str]:
        """Digests by part, "run" for the whole; empty for runs of a version that had none."""
        if self.local:
            return dict(self.local.manifest.identity)
        return {
            name.removeprefix(IDENTITY_PREFIX): value for name, value in self._store_side.tags.items() if name.startswith(IDENTITY_PREFIX)
        }

    @property
    def started_ms(self) -> int:
        """When it was begun, Unix time in milliseconds."""
        return self.local.manifest.created_ms if self.local else self._store_side.started_ms

    @property
    def ended_ms(self) -> int | None:
        """When it ended, Unix time in milliseconds; None while it is under way, and where nobody knows."""
        if self.local:
            return self.local.end.ended_ms if self.local.holder is None and self.local.end else None
        return self._store_side.ended_ms

    @property
    def status(self) -> str:
        """RUNNING, SILENT, FINISHED, FAILED or KILLED. What the journal says counts: it knows whether the process lives."""
        return self.local.status if self.local else self._store_side.status

    @property
    def _store_side(self) -> StoredRun:
        assert self.stored is not None, "a run is known from one side at least"
        return self.stored
