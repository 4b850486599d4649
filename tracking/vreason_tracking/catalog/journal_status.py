"""How the runs of a journal stand: what is recorded, what MLflow has of it, and what keeps the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import LocalRun, local_runs
from vreason_tracking.journal import RunFolder


@dataclass(frozen=True)
class JournalRow:
    """A run of the journal. The names are those of `journal status --json`.

    Attributes:
        journal_id, mlflow_id, variant, experiment: names; MLflow's id is None before anything was delivered, and the others where the
            manifest cannot be read.
        state: "running", "delivered", "waiting", "refused" (the store does not take it), "killed" (its process is gone, and nobody has
            closed it) or "damaged" (nothing can be said of it).
        detail: which process, or why.
        deliverer: the process that delivers it now.
        recorded, delivered, waiting: metric points.
        bytes: size on disk.
        destination: where it was delivered to, or is to be, without a password.
        mode: "online" or "offline".
    """

    journal_id: str
    mlflow_id: str | None
    variant: str | None
    experiment: str | None
    state: str
    detail: str | None
    deliverer: str | None
    recorded: int
    delivered: int
    waiting: int
    bytes: int
    destination: str | None
    mode: str | None


def journal_rows(root: Path) -> list[JournalRow]:
    """A row a run, oldest first.

    Raises:
        TrackingError: `root` is no journal, or cannot be read.
    """
    return journal_rows_of(run.folder for run in local_runs(root))


def journal_rows_of(folders: Iterable[RunFolder]) -> list[JournalRow]:
    """A row for each of these."""
    return [_row(LocalRun(folder)) for folder in folders]


def _row(run: LocalRun) -> JournalRow:
    try:
        return _readable(run)
    except TrackingError as error:
        return JournalRow(run.run_id, None, None, None, "damaged", str(error), None, 0, 0, 0, _bytes(run), None, None)


def _readable(run: LocalRun) -> JournalRow:
    manifest, marks = run.manifest, run.marks
    state, detail = _state(run)
    return JournalRow(
        run.run_id,
        marks.run_id,
        manifest.variant,
        manifest.experiment,
        state,
        detail,
        run.deliverer,
        run.recorded,
        run.delivered,
        run.waiting,
        run.bytes_on_disk,
        marks.uri or manifest.tracking_uri,
        manifest.mode,
    )


def _state(run: LocalRun) -> tuple[str, str | None]:
    if run.holder is not None:
        return "running", run.holder
    if run.marks.rejected is not None:
        return "refused", run.marks.rejected
    if run.unclosed:
        return "killed", "its process died abruptly; `runs reap` or `journal deliver` closes it"
    if run.is_delivered:
        return "delivered", None
    return "waiting", "recorded offline" if run.manifest.mode == "offline" and run.marks.run_id is None else None


def _bytes(run: LocalRun) -> int:
    try:
        return run.bytes_on_disk
    except TrackingError:
        return 0


def totals(rows: Sequence[JournalRow]) -> dict[str, int]:
    """Sums over all runs."""
    return {name: sum(getattr(row, name) for row in rows) for name in ("recorded", "delivered", "waiting", "bytes")}
