"""The record that the benchmarks of recording and delivery share: steps and samples as the decoding loop makes them, without a model."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

from vreason.events import SampleRecord, StepRecord
from vreason_tracking.journal import Manifest, new_run_id
from vreason_tracking.records import GIT_COMMIT_TAG, sample_points, step_points

BLOCK = 16  # steps that the decoding loop hands over at once
_START_MS = 1_700_000_000_000
_STEP_MS = 7

Reply = tuple[Sequence[StepRecord], SampleRecord]


def make_steps(number: int, count: int, k: int = 1) -> list[StepRecord]:
    """The steps of reply `number` with an update of dV every `k` tokens: k = 1 gives ten points a step (eight at token 0), k = 4 gives 8.5.

    Replies of equal length follow each other in time, so that no two points of a run are the same.
    """
    draw = random.Random(number)
    began = _START_MS + number * count * _STEP_MS
    steps, ema, peak = [], 0.0, 0.0
    for index in range(count):
        entropy = draw.uniform(0.1, 3.0)
        ema = 0.98 * ema + 0.02 * entropy
        peak = max(peak, ema)
        alpha = 1 if ema >= peak else -1
        updated = index > 0 and index % k == 0
        steps.append(
            StepRecord(
                sample_id=_name(number),
                token_index=index,
                token_id=100 + index,
                entropy=entropy,
                ema=ema,
                peak=peak,
                alpha=alpha,
                loss=-alpha * entropy if updated else None,
                delta_v_norm=draw.random(),
                grad_norm=draw.random() if updated else None,
                value_cosine=1.0 - draw.random() / 100,
                updated=updated,
                device_memory_bytes=1_000_000_000 + 4096 * index,
                memory_source="rss",
                timestamp_ms=began + _STEP_MS * index,
                forward_ms=5.0 + draw.random(),
                control_ms=1.0 + draw.random(),
            )
        )
    return steps


def make_sample(steps: Sequence[StepRecord]) -> SampleRecord:
    """The finished sample of these steps."""
    return SampleRecord(
        sample_id=steps[0].sample_id,
        video=f"clips/{steps[0].sample_id}.mp4",
        question="Which way does the red circle move?",
        options=("to the left", "to the right", "up", "down"),
        problem_type="multiple choice",
        category="direction",
        answer="B",
        output="<think>It starts on the left and ends on the right.</think><answer>B</answer>",
        prediction="B",
        score=1.0,
        prompt_tokens=60,
        video_tokens=36,
        kept_video_tokens=36,
        output_tokens=len(steps),
        peak_token=3,
        stopped="eos",
        started_ms=steps[0].timestamp_ms - 20,
        decode_video_ms=12.5,
        time_to_first_token_ms=20.0,
        generation_ms=20.0 + _STEP_MS * (len(steps) - 1),
        control_ms=sum(step.control_ms for step in steps),
        peak_memory_bytes=2_000_000_000,
        memory_source="rss",
        frames=8,
        video_seconds=3.2,
    )


def make_replies(count: int, length: int, k: int = 1) -> list[Reply]:
    """As many replies as asked for, `length` steps long, each with its sample."""
    replies = (make_steps(number, length, k) for number in range(count))
    return [(steps, make_sample(steps)) for steps in replies]


def make_manifest(samples: int, experiment: str = "benchmark") -> Manifest:
    """Of a run of so many samples, as `run` writes it."""
    return Manifest(
        run_id=new_run_id(),
        variant="v-reason",
        call_id="benchmark",
        call_position=0,
        call_variants=1,
        config_name="benchmark",
        experiment=experiment,
        tracking_uri="",
        mode="offline",
        colour="#0072b2",
        config="name: benchmark\n",
        created_ms=int(time.time() * 1000),
        params={f"setting.{number}": number for number in range(40)},
        tags={GIT_COMMIT_TAG: "0000000"},
        sample_ids=tuple(map(_name, range(samples))),
    )


def blocks(steps: Sequence[StepRecord]) -> Iterator[Sequence[StepRecord]]:
    """As the decoding loop hands them over."""
    return (steps[start : start + BLOCK] for start in range(0, len(steps), BLOCK))


def count_points(replies: Sequence[Reply], *, samples: bool) -> int:
    """Metric points of all steps and, with `samples`, of the samples themselves."""
    steps = sum(len(step_points(step)) for steps, _ in replies for step in steps)
    return steps + (sum(len(sample_points(sample)) for _, sample in replies) if samples else 0)


def _name(number: int) -> str:
    return f"sample-{number:05d}"
