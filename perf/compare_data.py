"""Synthetic runs to compare, as large as one likes: every column of the record, texts of the usual length, steps of random values."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vreason.config import PRESETS
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.catalog import SAMPLES, STEPS, RecordedRun
from vreason_tracking.records import DATA_DIGEST_TAG, DEVICE_TAG, SCORING_TAG, arrow_schema
from vreason_tracking.settings import Variant

_KINDS = ("multiple choice", "numerical", "regression", "free-form")
_GROUP = 20_000  # steps in a row group, as the record writes them
_DISTINCT = 3  # files of steps that are written; the other runs' are links to them: as many bytes are read and decoded
_WORDS = ("the", "red", "circle", "moves", "left", "while", "a", "blue", "square", "waits")


def write_runs(folder: Path, runs: int, samples: int, steps: int) -> None:
    """Write `runs` runs of `samples` samples with `steps` steps each below `folder`."""
    for number in range(runs):
        place = folder / f"run-{number:02d}"
        place.mkdir(parents=True)
        _write_samples(place / SAMPLES, number, samples, steps)
        if number < _DISTINCT:
            _write_steps(place / STEPS, number, samples, steps)
        else:
            os.link(folder / f"run-{number % _DISTINCT:02d}" / STEPS, place / STEPS)


def runs_of(folder: Path) -> list[RecordedRun]:
    """The runs of `write_runs`, as a comparison takes them."""
    return [_run(place, number) for number, place in enumerate(sorted(folder.iterdir()))]


def _run(place: Path, number: int) -> RecordedRun:
    name = f"k-{number}" if number else "baseline"
    method = Variant(name, PRESETS["v-reason" if number else "baseline"]).flattened()
    params = {f"method.{key}": str(value) for key, value in method.items()} | ({"method.controller.k": str(number)} if number else {})
    rows = pq.ParquetFile(place / SAMPLES).metadata.num_rows
    tags = {DEVICE_TAG: "cuda:0", DATA_DIGEST_TAG: "d", SCORING_TAG: "robust"}
    return RecordedRun(name, place.name, None, None, name, "sweep", "FINISHED", rows, 0, params, tags, {}, place / SAMPLES, place / STEPS)


def _write_samples(path: Path, number: int, samples: int, steps: int) -> None:
    luck = np.random.default_rng((1, number))
    output = " ".join(_WORDS[place % len(_WORDS)] for place in range(steps))
    ends = (*(min(len(output), 5 * (place + 1)) for place in range(steps - 1)), len(output))
    rows = [
        asdict(
            SampleRecord(
                sample_id=f"question-{place:05d}",
                video=f"videos/{place // 10:04d}.mp4",
                question=f"What happens after {place} seconds?",
                options=("left", "right", "up", "down"),
                problem_type=_KINDS[place % 4],
                category=f"category {place % 20}",
                answer="B",
                output=output,
                prediction="ABCD"[int(luck.integers(4))],
                score=float(luck.random() < 0.6 + 0.002 * number),
                output_tokens=int(luck.integers(steps // 2, steps + 1)),
                prompt_tokens=3_000,
                video_tokens=2_880,
                stopped="eos",
                peak_token=int(luck.integers(steps)),
                time_to_first_token_ms=float(luck.gamma(9, 30)),
                generation_ms=float(luck.gamma(9, 900)),
                control_ms=float(luck.gamma(9, 20)),
                peak_memory_bytes=int(luck.integers(16 << 30, 24 << 30)),
                memory_source="nvml:process",
                video_seconds=float(place // 10 % 12) * 40,
                benchmark=f"benchmark {place % 6}",
                token_ends=ends if steps else (),
            )
        )
        for place in range(samples)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(SampleRecord)), path)


def _write_steps(path: Path, number: int, samples: int, steps: int) -> None:
    luck, schema = np.random.default_rng((2, number)), arrow_schema(StepRecord)
    at_once = max(1, _GROUP // steps)
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, samples, at_once):
            names = [f"question-{place:05d}" for place in range(start, min(start + at_once, samples))]
            writer.write_table(pa.table({name: pa.array(values, schema.field(name).type) for name, values in _columns(names, steps, luck)}))


def _columns(names: list[str], steps: int, luck: np.random.Generator) -> list[tuple[str, object]]:
    rows = len(names) * steps
    index = np.tile(np.arange(steps), len(names))
    reals = ("entropy", "ema", "peak", "loss", "delta_v_norm", "grad_norm", "value_cosine", "forward_ms", "control_ms")
    made: dict[str, object] = {name: luck.gamma(2, 0.5, rows) for name in reals}
    made |= {"sample_id": np.repeat(names, steps), "token_index": index, "token_id": luck.integers(0, 150_000, rows)}
    made |= {"alpha": luck.choice([-1, 1], rows), "updated": index % 4 == 0, "timestamp_ms": 1_700_000_000_000 + 30 * index}
    made |= {"device_memory_bytes": np.full(rows, 20 << 30), "memory_source": np.full(rows, "nvml:process")}
    return [(name, made[name]) for name in arrow_schema(StepRecord).names]


def describe(folder: Path) -> str:
    """Sizes, for the record of a measurement."""
    runs = sorted(folder.iterdir())
    size = sum((run / name).stat().st_size for run in runs for name in (SAMPLES, STEPS))
    return json.dumps({"runs": len(runs), "bytes": size})
