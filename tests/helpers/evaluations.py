"""A small evaluation: what the demo is asked, how, and somebody who keeps every event."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
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
MEASURED = ("started_ms", "decode_video_ms", "time_to_first_token_ms", "generation_ms", "timestamp_ms", "forward_ms", "control_ms")
MACHINE = ("memory_source", "other_load", "cpu_steal", "energy_joules")
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


def unmeasured(record: Any) -> dict[str, Any]:
    """A record without its times, its memory and the machine's load."""
    excluded = (*MEASURED, *MACHINE)
    return {name: value for name, value in asdict(record).items() if name not in excluded and "_bytes" not in name}


def told(events: Events, names: Collection[str]) -> list[Any]:
    """What was told of these samples, to the last digit, but for what is measured."""
    prefills = [asdict(prefill) for prefill in events.prefills if prefill.sample_id in names]
    steps = {name: [unmeasured(step) for step in steps] for name, steps in events.steps.items() if name in names}
    return [prefills, steps, [unmeasured(record) for record in events.samples if record.sample_id in names]]
