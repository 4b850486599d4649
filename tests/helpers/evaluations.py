"""A small evaluation: what the demo is asked, how, and somebody who keeps every event."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from vreason.benchmarks import Sample
from vreason.config import ControllerConfig, VReasonConfig
from vreason.evaluation.evaluator import EvaluationConfig, Evaluator
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.models.loading import LoadedModel
from vreason.prompts import SHORT
from vreason.video.config import VideoConfig

TOKENS = 6
CONFIG = EvaluationConfig(
    method=VReasonConfig(controller=ControllerConfig(k=2, lr=0.05)),
    prompt=SHORT,
    video=VideoConfig(nframes=8, min_pixels=28 * 28, max_pixels=84 * 84),
    generation={"max_new_tokens": TOKENS, "do_sample": False},
)
SAMPLING = CONFIG.generation | {"do_sample": True, "temperature": 2.0}


class Events:
    """Keeps every event."""

    def __init__(self) -> None:
        self.prefills: list[PrefillRecord] = []
        self.steps: dict[str, list[StepRecord]] = {}
        self.samples: list[SampleRecord] = []

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """Keep it."""
        self.prefills.append(prefill)

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Keep them, each with its sample."""
        for step in steps:
            self.steps.setdefault(step.sample_id, []).append(step)

    def on_sample(self, sample: SampleRecord) -> None:
        """Keep it."""
        self.samples.append(sample)


def run(
    loaded: LoadedModel, samples: Sequence[Sample], observers: Sequence[Any] = (), done: Collection[str] = (), **changes: Any
) -> list[SampleRecord]:
    """The records of a whole run; `changes` are fields of the config."""
    return list(Evaluator(loaded, replace(CONFIG, **changes), observers).run(samples, done))


def answered(record: SampleRecord) -> bool:
    """Whether a record tells of an answer, and of no failure."""
    return record.error is None and record.output_tokens > 0 and record.score is not None
