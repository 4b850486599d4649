"""Runs as a list: which ones, and a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason_tracking.catalog.index import CatalogIndex
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.stored_run import SILENT
from vreason_tracking.records import HOST_TAG, INCOMPLETE_TAG, USER_TAG, RunSummary, metric_names
from vreason_tracking.settings import WHOLE

STATUSES = ("RUNNING", SILENT, "FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True)
class RunFilter:
    """Which runs are asked for; what is empty or None asks for all.

    Attributes:
        statuses: some of `STATUSES`.
        variants, configs: names.
        identity: beginning of the digest of the whole.
        since_ms: begun then or later, Unix time in milliseconds.
    """

    statuses: Sequence[str] = ()
    variants: Sequence[str] = ()
    configs: Sequence[str] = ()
    identity: str = ""
    since_ms: int | None = None

    def takes(self, run: Run) -> bool:
        """Whether the run is one of those; what costs reading is looked at last."""
        return (
            (not self.variants or run.variant in self.variants)
            and (not self.configs or run.config_name in self.configs)
            and run.identity.get(WHOLE, "").startswith(self.identity.lower())
            and (self.since_ms is None or run.started_ms >= self.since_ms)
            and (not self.statuses or run.status in self.statuses)
        )


@dataclass(frozen=True)
class RunRow:
    """A run in the list. The names are those of `runs list --json`.

    Attributes:
        id: what MLflow calls it, where it is; else the journal's name for it.
        journal_id, mlflow_id: both names; None where there is none.
        variant, config, experiment: names.
        status: RUNNING, SILENT, FINISHED, FAILED or KILLED.
        silent_minutes: for how long a SILENT run has not been heard of.
        samples_done, samples_failed, samples_expected: counts, the second one of those in the first; None where nobody says.
        accuracy: of a FINISHED run.
        started: UTC, ISO 8601.
        duration_seconds: from its beginning to its end, or to now; of a run that was continued, what its sessions took together. None where
            the end is not known.
        identity: digest of what the result depends on; "" for runs of a version that had none.
        waiting_points: recorded and not delivered; None where the journal is elsewhere.
        rejected: why the store refuses the rest.
        damage: what the record has lost: of a run that is delivered, samples; else records of its journal.
        user, host: who ran it, and where.
        in_journal, in_store: where it is; the latter None where nobody could look.
    """

    id: str
    journal_id: str | None
    mlflow_id: str | None
    variant: str
    config: str
    experiment: str
    status: str
    silent_minutes: int | None
    samples_done: int
    samples_failed: int | None
    samples_expected: int | None
    accuracy: float | None
    started: str
    duration_seconds: float | None
    identity: str
    waiting_points: int | None
    rejected: str | None
    damage: str | None
    user: str
    host: str
    in_journal: bool
    in_store: bool | None


@dataclass(frozen=True)
class RunList:
    """The rows asked for.

    Attributes:
        rows: newest first.
        more: how many more there are.
        unreadable: runs that have no row, for their journal turned out to be unreadable.
    """

    rows: Sequence[RunRow]
    more: int
    unreadable: Sequence[LocalRun]


def list_runs(index: CatalogIndex, wanted: RunFilter, limit: int) -> RunList:
    """The newest runs that fit. Counts samples and points, for which journals are read and the store is asked.

    Raises:
        TrackingError: the store became unavailable in between.
    """
    fitting = [run for run in index.runs if wanted.takes(run)]
    rows: list[RunRow] = []
    unreadable: list[LocalRun] = []
    for run in fitting[:limit]:
        try:
            rows.append(row_of(run))
        except TrackingError:
            if run.local is None:
                raise
            unreadable.append(run.local)
    return RunList(rows, max(0, len(fitting) - limit), unreadable)


def row_of(run: Run) -> RunRow:
    """The run as a row. Counts samples and points, which may read the run's whole journal.

    Raises:
        TrackingError: the journal cannot be read, or the store does not answer.
    """
    local, stored, tags = run.local, run.stored, run.tags
    silent = stored.silent_ms if stored and not local else None
    return RunRow(
        id=run.shown_id,
        journal_id=run.journal_id,
        mlflow_id=run.mlflow_id,
        variant=run.variant,
        config=run.config_name,
        experiment=run.experiment,
        status=run.status,
        silent_minutes=None if silent is None else silent // 60_000,
        samples_done=local.done if local else stored.done if stored else 0,
        samples_failed=_failed(run),
        damage=_damage(run),
        samples_expected=local.expected_samples if local else stored.expected_samples if stored else None,
        accuracy=accuracy_of(run),
        started=iso(run.started_ms),
        duration_seconds=_duration(run),
        identity=run.identity.get(WHOLE, ""),
        waiting_points=local.waiting if local else None,
        rejected=local.marks.rejected if local else None,
        user=tags.get(USER_TAG, ""),
        host=tags.get(HOST_TAG, ""),
        in_journal=local is not None,
        in_store=run.in_store,
    )


def accuracy_of(run: Run) -> float | None:
    """Of a run that is finished: a figure over part of the questions would stand beside whole ones."""
    if run.status != "FINISHED":
        return None
    if run.stored and run.stored.accuracy is not None and (run.local is None or run.local.is_delivered):
        return run.stored.accuracy
    return RunSummary.of(closed.sample for closed in run.local.samples).accuracy if run.local else None


def iso(stamp_ms: int) -> str:
    """Unix time in milliseconds as ISO 8601, UTC, whole seconds; "" for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(stamp_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def _duration(run: Run) -> float | None:
    """Of several sessions the sum of their own: the clock may have been corrected in between."""
    end = run.ended_ms if run.ended_ms is not None else unix_ms() if run.status == "RUNNING" else None
    if end is None:
        return None
    if run.local and run.local.session > 1:
        return run.local.working_seconds
    return max(0, end - run.started_ms) / 1000


def _damage(run: Run) -> str | None:
    if run.local is None or run.local.is_delivered:
        return run.stored.tags.get(INCOMPLETE_TAG) if run.stored else None
    return f"{run.local.damaged} damaged record(s) in its journal" if run.local.damaged else None


def _failed(run: Run) -> int | None:
    """Samples that ended in an error, by whoever can say it without reading more than it must."""
    if run.stored and (run.local is None or run.local.is_delivered):
        found = run.stored.metrics.get(metric_names.FAILED, run.stored.metrics.get(metric_names.LIVE_FAILED))
        return None if found is None else int(found)
    return sum(entry.sample.error is not None for entry in run.local.samples) if run.local else None
