"""What a run tells whoever watches it: how it goes, and what became of each variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vreason_tracking.journal import RunFolder
from vreason_tracking.record import RunSummary


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


class RunWatcher(Protocol):
    """Whoever shows progress. Also told of every step and sample (see `vreason.Listener`)."""

    def on_loaded(self, model: str, device: str, samples: int) -> None:
        """Model and data are there."""

    def on_notice(self, text: str) -> None:
        """Something that a user should know: a run closed as KILLED, a store that went away."""

    def on_variant(self, name: str, run_id: str, done: int) -> None:
        """A variant begins, or goes on after `done` samples."""

    def on_result(self, result: VariantResult) -> None:
        """A variant has ended, one way or another; its journal is closed, its delivery may still be under way."""

    def on_delivered(self, results: Sequence[VariantResult]) -> None:
        """Delivery is over, as far as it went. Told once, also after a failure."""
