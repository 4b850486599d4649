"""What is told of a batch while it is decoded, by sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vreason.events import PrefillRecord, StepRecord


@dataclass
class BatchEvents:
    """An observer that collects one batch's events by sample."""

    prefills: dict[str, PrefillRecord] = field(default_factory=dict)
    steps: dict[str, list[StepRecord]] = field(default_factory=dict)

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """Keep it."""
        self.prefills[prefill.sample_id] = prefill

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Keep them, each with its sample."""
        for step in steps:
            self.steps.setdefault(step.sample_id, []).append(step)
