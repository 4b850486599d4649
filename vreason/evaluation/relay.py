"""A batch's events on their way out to whoever listens to the run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from vreason.events import PrefillRecord, StepRecord
from vreason.listeners import ListenerGuard


@dataclass
class RelayObserver:
    """An observer that hands a batch's events on to the guard of the whole run, so that failures are counted over all of it.

    Attributes:
        guard: the run's.
        done: ids of samples that are answered already and only keep the batch whole; nothing is told of them.
    """

    guard: ListenerGuard
    done: Collection[str]

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """Hand it on, unless its sample is done."""
        if prefill.sample_id not in self.done:
            self.guard.prefill(prefill)

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Hand on those of samples that are not done."""
        if told := [step for step in steps if step.sample_id not in self.done]:
            self.guard.steps(told)
