"""What became of each variant of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vreason_tracking.delivery import excluded_line, read_delivered
from vreason_tracking.journal import RunFolder
from vreason_tracking.records import RunSummary


@dataclass(frozen=True)
class VariantResult:
    """What became of one variant, over all sessions of its run.

    Attributes:
        name: of the variant.
        folder: its run in the journal.
        status: FINISHED, FAILED or KILLED.
        recorded: metric points of its finished samples and of the devices, in the journal.
        notes: what a reader of the result must know, such as listeners that failed.
        kept: it had been finished by an earlier call, and was not run again.
        summary: its figures, from the journal.
        delivered: those of the points that MLflow has.
        run_id: its MLflow run; the journal's name for it where there is none yet.
        experiment_id: the MLflow experiment; None where there is none yet.
        rejected: why MLflow refuses the run; None when it does not.
        excluded: how many values MLflow does not take, which ones, and why; None where it has taken all.
        error: what ended it early; None when nothing did.
    """

    name: str
    folder: RunFolder
    status: str
    recorded: int
    notes: tuple[str, ...] = ()
    kept: bool = False
    summary: RunSummary = field(default_factory=RunSummary)
    delivered: int = 0
    run_id: str = ""
    experiment_id: str | None = None
    rejected: str | None = None
    excluded: str | None = None
    error: str | None = None


def as_delivered(result: VariantResult) -> VariantResult:
    """The result, with how far its delivery has come by now."""
    state = read_delivered(result.folder.delivery_log)
    return replace(
        result,
        delivered=state.points,
        run_id=state.run_id or result.run_id,
        experiment_id=state.experiment_id,
        rejected=state.rejected,
        excluded=excluded_line(state),
    )
