"""Runs to compare, as their two Parquet files: synthetic samples with the properties of real ones, no model and no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.doubles import records
from vreason.config import PRESETS
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.comparison.recorded_run import SAMPLES, STEPS, RecordedRun
from vreason_tracking.settings.variants import Variant
from vreason_tracking.tables import RecordTables

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
TAGS = {"data.digest": "d" * 32, "device": "cuda:0 (NVIDIA H200)", "host": "here", "scoring": "robust", "git.commit": "4c71d97"}
IDENTITY = {"prompt": "1" * 16, "video": "2" * 16, "decoding": "3" * 16}
KINDS = ("multiple choice", "numerical", "regression", "free-form")
CATEGORIES = ("direction", "counting", "distance")


def recorded(
    folder: Path, name: str, samples: Sequence[tuple[SampleRecord, Sequence[StepRecord]]], preset: str = "baseline", **changes: Any
) -> RecordedRun:
    """A finished run with these samples; `changes` are fields, of which `params`, `tags` and `identity` are added to the usual ones."""
    place = folder / name
    place.mkdir(parents=True)
    tables = RecordTables(place)
    for sample, steps in samples:
        tables.add(sample, steps)
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
        asked=len(samples),
        started_ms=records.START_MS,
        params={**PARAMS, **method, **changes.pop("params", {})},
        tags={**TAGS, **changes.pop("tags", {})},
        identity={**IDENTITY, **changes.pop("identity", {})},
        samples=place / SAMPLES,
        steps=place / STEPS,
    )
    return replace(made, **changes)


def asked(questions: int, videos: int, seed: int = 0, *, right: float = 0.6, tokens: float = 1.0, steps: int = 0) -> list[Any]:
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
        recorded(folder, name, asked(questions, videos, seed, right=right, tokens=tokens, steps=steps), preset=name)
        for seed, (name, right, tokens) in enumerate((("baseline", 0.5, 1.0), ("v-reason", 0.75, 0.8), ("v-reason-lite", 0.6, 0.8)))
    ]
