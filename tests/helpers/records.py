"""Makers of step and sample records with every field filled in, and what a variant's figures must be, worked out from table rows."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np

from vreason.evaluation.failure_signatures import ADVICE
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.telemetry import DeviceRecord

START_MS = 1_700_000_000_000
STEP_MS = 7


def steps(sample_id: str = "s-1", count: int = 10, *, k: int = 4, controller: bool = True, start_ms: int = START_MS) -> list[StepRecord]:
    """A reply's steps: an update of dV every k tokens, or none without a controller. Values depend on the sample and nothing else."""
    draw = random.Random(sample_id.encode("utf-8", "surrogatepass"))
    made: list[StepRecord] = []
    ema = peak = 0.0
    for index in range(count):
        entropy = draw.uniform(0.1, 3.0)
        ema = 0.98 * ema + 0.02 * entropy
        peak = max(peak, ema)
        alpha = 1 if ema >= peak else -1
        updated = controller and index >= 1 and index % k == 0
        made.append(
            StepRecord(
                sample_id=sample_id,
                token_index=index,
                token_id=100 + index,
                entropy=entropy,
                ema=ema,
                peak=peak,
                alpha=alpha,
                loss=-alpha * entropy if updated else None,
                delta_v_norm=0.01 * (index // k) if controller else None,
                grad_norm=draw.uniform(0.1, 2.0) if updated else None,
                value_cosine=1.0 - 0.001 * (index // k) if controller else None,
                updated=updated,
                device_memory_bytes=1_000_000 + 10 * index,
                memory_source="rss",
                timestamp_ms=start_ms + STEP_MS * index,
                forward_ms=5.0 + draw.random(),
                control_ms=1.0 + draw.random(),
            )
        )
    return made


def sample(sample_id: str = "s-1", reply: Sequence[StepRecord] = (), **changes: Any) -> SampleRecord:
    """An answered sample with the steps of `reply`; `changes` are fields."""
    started = reply[0].timestamp_ms - 20 if reply else START_MS
    output = "<think>It starts left.\nIt ends right.</think><answer>B</answer>"
    made = SampleRecord(
        sample_id=sample_id,
        video=f"clips/{sample_id}.mp4",
        question="Which way does the red circle move?",
        options=("left", "right"),
        problem_type="multiple choice",
        category="direction",
        answer="B",
        output=output,
        prediction="B",
        score=1.0,
        prompt_tokens=60,
        video_tokens=36,
        kept_video_tokens=18,
        output_tokens=len(reply),
        peak_token=3,
        stopped="eos",
        started_ms=started,
        decode_video_ms=12.5,
        time_to_first_token_ms=20.0,
        generation_ms=20.0 + STEP_MS * max(len(reply) - 1, 0),
        control_ms=sum(step.control_ms for step in reply),
        peak_memory_bytes=2_000_000,
        memory_source="rss",
        peak_allocated_bytes=(1_500_000, 0),
        peak_reserved_bytes=(1_800_000, 2_048),
        frames=8,
        video_seconds=3.2,
        benchmark="shapes",
        token_ends=tuple(len(output) * number // len(reply) for number in range(1, len(reply) + 1)),
    )
    return replace(made, **changes)


def failed(sample_id: str = "s-9", error: str = "clips/s-9.mp4: is not a video", **changes: Any) -> SampleRecord:
    """A sample without an answer."""
    whole = sample(sample_id)
    names = ("video", "question", "options", "problem_type", "category", "benchmark", "answer", "started_ms")
    kept = {name: getattr(whole, name) for name in names}
    return replace(SampleRecord(sample_id=sample_id, **kept, error=error, decode_video_ms=3.0), **changes)


def device(name: str = "host", second: int = 4, **changes: Any) -> DeviceRecord:
    """A window of two seconds of a device, "host" or "gpu.0"; `second` is when it begins, counted from the first sample's start."""
    own: dict[str, Any] = {"rss_bytes": 300_000 + second}
    if name != "host":
        own = {"process_bytes": 5_000 + second, "device_bytes": 7_000 + second, "utilization_percent": 87.5, "power_watts": 301.5}
    quantities = {"process_bytes": None, "device_bytes": None, "utilization_percent": None, "power_watts": None, "rss_bytes": None} | own
    began = START_MS + 1_000 * second
    made = DeviceRecord(name, "a device", began, began + 2_000, second, samples=40, errors=0, **quantities)
    return replace(made, **changes)


def figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The summary metrics of a variant by their definitions in `metrics.SUMMARY_METRICS`, from the rows of its samples.parquet."""
    answered = [row for row in rows if row["score"] is not None]
    series = {
        "tokens/{}": [row["output_tokens"] for row in answered],
        "latency/{}_ms": [row["generation_ms"] for row in answered],
        "latency/first_token_{}_ms": [row["time_to_first_token_ms"] for row in answered],
        "latency/per_token_{}_ms": [
            (row["generation_ms"] - row["time_to_first_token_ms"]) / (row["output_tokens"] - 1)
            for row in answered
            if row["output_tokens"] > 1
        ],
    }
    groups = {
        "accuracy": answered,
        "accuracy/mean_acc": [row for row in answered if row["problem_type"] != "regression"],
        "accuracy/mean_mra": [row for row in answered if row["problem_type"] == "regression"],
    }
    for row in answered:
        groups.setdefault(f"accuracy/type/{row['problem_type']}", []).append(row)
        if row["category"]:
            groups.setdefault(f"accuracy/category/{row['category']}", []).append(row)
    found = {name: fmean(row["score"] for row in group) for name, group in groups.items() if group}
    found |= {"samples/answered": float(len(answered)), "samples/failed": float(len(rows) - len(answered))}
    found |= _interval([(row["video"] or row["sample_id"], row["score"]) for row in answered])
    for name, values in series.items():
        if values:
            found |= {name.format("mean"): fmean(values)}
            found |= {name.format(f"p{share}"): float(np.percentile(values, share)) for share in (50, 95)}
    if answered:
        found["latency/control_share"] = sum(row["control_ms"] for row in answered) / sum(row["generation_ms"] for row in answered)
    for source in ("nvml:process", "nvml:device", "rss"):
        peaks = [row["peak_memory_bytes"] for row in rows if row["memory_source"] == source]
        if peaks:
            found["memory/peak_bytes"] = float(max(peaks))
            break
    for name in ("peak_allocated_bytes", "peak_reserved_bytes"):
        for device in range(max((len(row[name]) for row in rows), default=0)):
            found[f"memory/{name}/{device}"] = float(max(row[name][device] for row in rows if len(row[name]) > device))
    return found | {f"signatures/{name}": float(sum(name in row["signatures"] for row in rows)) for name in ADVICE}


def _interval(answered: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Of the mean score, video by video: CR1 with Student's t; exact, over the videos, where all scores are equal."""
    from scipy import stats

    videos = {video for video, _ in answered}
    found = {"samples/videos": float(len(videos))}
    if len(videos) < 2:
        return found
    count, mean = len(videos), fmean(score for _, score in answered)
    squares = sum(sum(score - mean for own, score in answered if own == video) ** 2 for video in videos)
    half = stats.t.ppf(0.975, count - 1) * (count / (count - 1) * squares) ** 0.5 / len(answered)
    low, high = max(0.0, mean - half), min(1.0, mean + half)
    if len({score for _, score in answered}) == 1:
        low, high = mean * 0.025 ** (1 / count), mean + (1 - mean) * (1 - 0.025 ** (1 / count))
    return found | {"accuracy/interval_low": float(low), "accuracy/interval_high": float(high)}
