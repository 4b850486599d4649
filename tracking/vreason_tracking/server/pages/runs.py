"""Runs and reports of the server's store, as the pages show them. What was read is kept for a moment, for many look at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from vreason.errors import TrackingError
from vreason_tracking.catalog import Catalog, Run, StoredReport, iso, row_of, stored_reports
from vreason_tracking.records import ERROR_TAG

KEPT_FOR = 2.0
"""Seconds for which a list is shown again without asking the store."""

REPORT_FILE = "comparison.html"
LARGEST_REPORT = 50 * 2**20
_PROXIED = "mlflow-artifacts:/"

_Value = TypeVar("_Value")


class NotFoundError(TrackingError):
    """There is no such thing."""


@dataclass(frozen=True)
class RunFacts:
    """A run of a variant. Times are UTC, ISO 8601; what nobody knows is None.

    Attributes:
        id: MLflow's.
        journal_id: what the journal that it was delivered from calls it.
        variant, config, experiment, experiment_id: of the run.
        status: RUNNING, SILENT (claims to run, and was not heard of for a while), FINISHED, FAILED or KILLED.
        started, duration_seconds: of the run.
        heard: when it was last heard of, while it is under way.
        quiet_seconds: how long ago that was.
        samples_done, samples_failed, samples_expected: counts.
        accuracy: of a finished run.
        user, host: who ran it, and where.
        identity: digest of what the result depends on.
        error: what ended it early.
    """

    id: str
    journal_id: str | None
    variant: str
    config: str
    experiment: str
    experiment_id: str
    status: str
    started: str
    duration_seconds: float | None
    heard: str | None
    quiet_seconds: int | None
    samples_done: int
    samples_failed: int | None
    samples_expected: int | None
    accuracy: float | None
    user: str
    host: str
    identity: str
    error: str | None

    @property
    def under_way(self) -> bool:
        """Whether it has not ended, as far as anybody knows."""
        return self.status in ("RUNNING", "SILENT")

    @property
    def subjects(self) -> list[str]:
        """What the audit trail may call it."""
        files = f"artifact:{self.experiment_id}/{self.id}/*"
        return [*(f"run:{each}" for each in (self.id, self.journal_id) if each), files]


class StoreReader:
    """Reads the server's own store.

    Args:
        uri: MLflow's database.
        artifacts: where the server keeps artifacts.
        clock: monotonic seconds.
    """

    def __init__(self, uri: str, artifacts: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog, self._artifacts = Catalog(Path("vreason-journal"), uri, None), artifacts
        self._runs: _Kept[list[RunFacts]] = _Kept(self._read_runs, clock)
        self._reports: _Kept[list[StoredReport]] = _Kept(self._read_reports, clock)

    def runs(self) -> Sequence[RunFacts]:
        """All runs of variants, newest first.

        Raises:
            TrackingError: the store cannot be read.
        """
        return self._runs.get()

    def run(self, run_id: str) -> RunFacts:
        """The run with an id, MLflow's or the journal's.

        Raises:
            NotFoundError: there is none.
            TrackingError: the store cannot be read.
        """
        found = next((run for run in self.runs() if run_id in (run.id, run.journal_id)), None)
        if found is None:
            raise NotFoundError(f"there is no run {run_id!r}; the start page lists those that are there")
        return found

    def reports(self) -> Sequence[StoredReport]:
        """All published comparisons, newest first.

        Raises:
            TrackingError: the store cannot be read.
        """
        return self._reports.get()

    def report(self, run_id: str) -> StoredReport:
        """The comparison whose run has an id.

        Raises:
            NotFoundError: there is none.
            TrackingError: the store cannot be read.
        """
        found = next((report for report in self.reports() if report.id == run_id), None)
        if found is None:
            raise NotFoundError(f"there is no report {run_id!r}; the page of reports lists those that are there")
        return found

    def report_page(self, report: StoredReport) -> bytes:
        """The report's own HTML file.

        Raises:
            NotFoundError: it has none.
            TrackingError: the artifact store cannot be read, or the file is larger than a report.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        uri = f"{self._root_of(report.artifact_uri)}/{REPORT_FILE}"
        try:
            path = Path(download_artifacts(artifact_uri=uri))
            if path.stat().st_size > LARGEST_REPORT:
                raise TrackingError(f"{REPORT_FILE} of {report.name!r} is larger than {LARGEST_REPORT:,} bytes; open it in MLflow")
            return path.read_bytes()
        except (MlflowException, OSError) as error:
            raise NotFoundError(f"{REPORT_FILE} of {report.name!r} cannot be read; is the artifact store there?") from error

    def _root_of(self, artifact_uri: str) -> str:
        """The folder of artifacts as this process reaches it: not by way of the server, which it is."""
        if not artifact_uri.startswith(_PROXIED):
            return artifact_uri
        return f"{self._artifacts.rstrip('/')}/{artifact_uri.removeprefix(_PROXIED).lstrip('/')}"

    def _read_runs(self) -> list[RunFacts]:
        index = self._catalog.read_stored()
        if index.store_error:
            raise index.store_error
        return [_facts(run) for run in index.runs]

    def _read_reports(self) -> list[StoredReport]:
        opened = self._catalog.open_store()
        if opened.store is None:
            raise opened.store_error or TrackingError("the store cannot be opened")
        return stored_reports(opened.store)


def _facts(run: Run) -> RunFacts:
    row, stored = row_of(run), run.stored
    assert stored is not None, "it was read from the store"
    under_way = row.status in ("RUNNING", "SILENT")
    return RunFacts(
        id=stored.run_id,
        journal_id=row.journal_id,
        variant=row.variant,
        config=row.config,
        experiment=row.experiment,
        experiment_id=stored.experiment_id,
        status=row.status,
        started=row.started,
        duration_seconds=row.duration_seconds,
        heard=iso(stored.heard_ms) if under_way else None,
        quiet_seconds=max(0, round(time.time() - stored.heard_ms / 1000)) if under_way else None,
        samples_done=row.samples_done,
        samples_failed=row.samples_failed,
        samples_expected=row.samples_expected,
        accuracy=row.accuracy,
        user=row.user,
        host=row.host,
        identity=row.identity,
        error=stored.tags.get(ERROR_TAG),
    )


class _Kept(Generic[_Value]):
    """A value that is read anew when it is older than `KEPT_FOR`; while one reads, the others wait for it."""

    def __init__(self, read: Callable[[], _Value], clock: Callable[[], float]) -> None:
        self._read, self._clock = read, clock
        self._lock = Lock()
        self._until: float | None = None
        self._value: _Value | None = None

    def get(self) -> _Value:
        with self._lock:
            if self._until is None or self._value is None or self._clock() >= self._until:
                self._value = self._read()
                self._until = self._clock() + KEPT_FOR
            return self._value
