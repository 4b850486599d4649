"""Runs and reports of the server's store, as the pages show them. What was read is kept for a moment, for many look at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog import Catalog, Run, StoredReport, iso, row_of, stored_reports
from vreason_tracking.records import ERROR_TAG
from vreason_tracking.stores import MlflowStore
from vreason_tracking.web import Kept, NotFoundError

REPORT_FILE = "comparison.html"
LARGEST_REPORT = 50 * 2**20


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

    Attributes:
        catalog: of the store alone: a server has no journal.
    """

    def __init__(self, uri: str, artifacts: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.catalog = Catalog(Path("vreason-journal"), uri, None, artifacts)
        self._runs: Kept[list[RunFacts]] = Kept(self._read_runs, clock)
        self._reports: Kept[list[StoredReport]] = Kept(self._read_reports, clock)

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

        try:
            uri = f"{self.store().direct_uri(report.artifact_uri)}/{REPORT_FILE}"
            path = Path(download_artifacts(artifact_uri=uri))
            if path.stat().st_size > LARGEST_REPORT:
                raise TrackingError(f"{REPORT_FILE} of {report.name!r} is larger than {LARGEST_REPORT:,} bytes; open it in MLflow")
            return path.read_bytes()
        except (MlflowException, OSError) as error:
            raise NotFoundError(f"{REPORT_FILE} of {report.name!r} cannot be read; is the artifact store there?") from error

    def _read_runs(self) -> list[RunFacts]:
        index = self.catalog.read_stored()
        if index.store_error:
            raise index.store_error
        return [_facts(run) for run in index.runs]

    def _read_reports(self) -> list[StoredReport]:
        return stored_reports(self.store())

    def store(self) -> MlflowStore:
        """The store itself.

        Raises:
            TrackingError: it cannot be opened.
        """
        opened = self.catalog.open_store()
        if opened.store is None:
            raise opened.store_error or TrackingError("the store cannot be opened")
        return opened.store


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
