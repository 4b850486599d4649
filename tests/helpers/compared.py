"""Runs to compare, as their two Parquet files: synthetic samples with the properties of real ones, no model and no store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.helpers import records
from vreason.config import PRESETS
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.catalog.run_record import SAMPLES, STEPS, RecordedRun
from vreason_tracking.records.parquet_writer import RecordTables
from vreason_tracking.settings.variants import Variant

PARAMS = {
    "model.id": "demo",
    "data.source": "demo",
    "data.scoring": "robust",
    "video.nframes": "8",
    "prompt.template": "short",
    "generation.max_new_tokens": "96",
    "generation.repetition_penalty": "1.0",
    "batch_size": "1",
    "seed": "0",
}
TAGS = {
    "data.digest": "d" * 32,
    "device": "cuda:0 (NVIDIA H200)",
    "host": "here",
    "scoring": "robust",
    "git.commit": "4c71d97",
    "schedule": "interleaved",
}
IDENTITY = {"prompt": "1" * 16, "video": "2" * 16, "decoding": "3" * 16}
KINDS = ("multiple choice", "numerical", "regression", "free-form")
CATEGORIES = ("direction", "counting", "distance")


def recorded(
    folder: Path, name: str, samples: Sequence[tuple[SampleRecord, Sequence[StepRecord]]], preset: str = "baseline", **changes: Any
) -> RecordedRun:
    """A finished run with these samples, of one call with the others in this folder, each at a place of its own.

    `changes` are fields, of which `params`, `tags` and `identity` are added to the usual ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    turn, place = sum(each.is_dir() for each in folder.iterdir()), folder / name
    place.mkdir()
    tables = RecordTables(place)
    for sample, steps in samples:
        tables.add(sample if sample.rotation_place is not None else replace(sample, rotation_place=turn), steps)
    tables.close()
    method = {f"method.{key}": str(value) for key, value in Variant(name, PRESETS[preset]).flattened().items()}
    made = RecordedRun(
        name=name,
        run_id=f"{name.replace(' ', '-')}-id",
        mlflow_id=None,
        experiment_id=None,
        variant=name,
        config="trial",
        status="FINISHED",
        expected_samples=len(samples),
        started_ms=records.START_MS,
        params={**PARAMS, **method, **changes.pop("params", {})},
        tags={**TAGS, **changes.pop("tags", {})},
        identity={**IDENTITY, **changes.pop("identity", {})},
        samples=place / SAMPLES,
        steps=place / STEPS,
        call_id="c0ffee",
    )
    return replace(made, **changes)


def make_samples(questions: int, videos: int, seed: int = 0, *, right: float = 0.6, tokens: float = 1.0, steps: int = 0) -> list[Any]:
    """Samples with their steps: `questions` about `videos` clips of several lengths, kinds and categories.

    Args:
        questions, videos: how many.
        seed: of this run's own luck; the questions are the same for every seed.
        right: how often it is right.
        tokens: its replies' length, beside the usual one.
        steps: recorded a reply; 0 keeps the lengths and records none.
    """
    luck, common = np.random.default_rng((7, seed)), np.random.default_rng(7)
    made = []
    for number in range(questions):
        clip = number % videos
        kind, category = KINDS[number % len(KINDS)], CATEGORIES[number % len(CATEGORIES)]
        length = max(2, int(common.integers(20, 60) * tokens))
        scored = luck.random() < right
        score = float(scored) if kind != "regression" else round(float(luck.integers(0, 11)) / 10, 1)
        reply = records.steps(f"q-{number:04d}", steps or 2)
        sample = records.sample(
            f"q-{number:04d}",
            reply,
            video=f"clips/{clip:03d}.mp4",
            question=f"Question {number}?",
            problem_type=kind,
            options=("left", "right") if kind == "multiple choice" else (),
            category=category,
            score=score,
            prediction="B" if score else "A",
            output_tokens=steps or length,
            time_to_first_token_ms=20.0 + float(luck.random()),
            generation_ms=20.0 + 30.0 * length + float(luck.random()),
            video_seconds=float(3 + 20 * (clip % 4)),
        )
        made.append((sample, reply if steps else ()))
    return made


def trio(folder: Path, questions: int = 48, videos: int = 12, steps: int = 0) -> list[RecordedRun]:
    """A baseline, V-Reason and Lite, asked the same."""
    return [
        recorded(folder, name, make_samples(questions, videos, seed, right=right, tokens=tokens, steps=steps), preset=name)
        for seed, (name, right, tokens) in enumerate((("baseline", 0.5, 1.0), ("v-reason", 0.75, 0.8), ("v-reason-lite", 0.6, 0.8)))
    ]


BENCHMARKS = ("VSI-Bench", "MMVU")
SECONDS = (1.999, 2.0, 3.2, 15.0, 119.9, 120.0, 3_600.0)
SOURCES = ("nvml:process", "nvml:device", "rss")
SIGNATURES = ("repetition", "truncated")


def mixed(seed: int, questions: int = 60, videos: int = 13, failing: float = 0.15) -> list[Any]:
    """Samples of every sort: failed ones, two benchmarks, replies of a single token, times and memory that nobody measured.

    Args:
        seed: of this run's own luck; the questions are the same for every seed.
        questions, videos: how many.
        failing: how often a sample fails.
    """
    luck = np.random.default_rng((11, seed))
    return [(_mixed(number, videos, luck, luck.random() < failing), ()) for number in range(questions)]


def _mixed(number: int, videos: int, luck: np.random.Generator, fails: bool) -> SampleRecord:
    kind = KINDS[number % len(KINDS)]
    facts: dict[str, Any] = {
        "video": f"clips/{number % videos:02d}.mp4",
        "question": f"Question {number}?",
        "problem_type": kind,
        "options": ("left", "right") if kind == "multiple choice" else (),
        "category": (*CATEGORIES, "")[number % 3 if number % 5 else 3],
        "benchmark": BENCHMARKS[0] if kind == "regression" or number % 2 else BENCHMARKS[1],
    }
    source = str(luck.choice(SOURCES))
    memory = {"peak_memory_bytes": int(luck.integers(10**6, 10**9)), "memory_source": source} if luck.random() < 0.9 else {}
    allocated = tuple(int(each) for each in luck.integers(0, 10**9, int(luck.integers(0, 3))))
    signatures = tuple(name for name in SIGNATURES if luck.random() < 0.2)
    if fails:
        error = f"/data/{facts['video']}: is not a video" if luck.random() < 0.5 else "out of memory: lower video.max_pixels"
        failed = records.failed(f"q-{number:04d}", error, **facts, **memory)
        return replace(failed, signatures=signatures, peak_allocated_bytes=allocated)
    tokens = int(luck.integers(1, 40))
    first = 20.0 + float(luck.random())
    measured = luck.random() < 0.9
    return records.sample(
        f"q-{number:04d}",
        **facts,
        score=round(float(luck.integers(0, 11)) / 10, 1) if kind == "regression" else float(luck.random() < 0.6),
        output_tokens=tokens,
        time_to_first_token_ms=first if measured else None,
        generation_ms=first + 30.0 * (tokens - 1) if measured else None,
        control_ms=float(luck.random()) * 5 if luck.random() < 0.8 else None,
        video_seconds=SECONDS[number % videos % len(SECONDS)],
        signatures=signatures,
        peak_allocated_bytes=allocated,
        **({"peak_memory_bytes": None, "memory_source": None} | memory),
    )


def rewritten(run: RecordedRun, change: Callable[[pa.Table], pa.Table], row_group_size: int | None = None) -> RecordedRun:
    """The run with another table of samples beside the old one."""
    path = run.samples.with_name("changed.parquet")
    pq.write_table(change(pq.read_table(run.samples)), path, row_group_size=row_group_size)
    return replace(run, samples=path)


def without(*names: str) -> Callable[[pa.Table], pa.Table]:
    """For `rewritten`: as an earlier version wrote it, which did not have these columns, and did not tell which one it was."""
    return lambda table: table.drop_columns(list(names)).replace_schema_metadata()


def rows(run: RecordedRun) -> list[dict[str, Any]]:
    """The run's samples, for whoever works a figure out anew."""
    found: list[dict[str, Any]] = pq.read_table(run.samples).to_pylist()
    return found


def members(grouping: str, name: str, row: dict[str, Any]) -> bool:
    """Whether a question belongs to a group, by the words of docs and nothing else."""
    part = {"acc": row["problem_type"] != "regression", "MRA": row["problem_type"] == "regression"}
    if grouping == "benchmark":
        whole, _, half = name.partition(" (")
        return bool(row["benchmark"] == whole) and part.get(half.removesuffix(")"), True)
    wanted = {"all": True, "problem type": row["problem_type"] == name, "category": row["category"] == name}
    return bool(wanted[grouping])
