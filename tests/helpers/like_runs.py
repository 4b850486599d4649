"""Runs in a journal that may be compared: asked the same in the same way, right here and wrong there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.helpers import readback, records, scored_runs
from vreason.config import PRESETS
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.settings.variants import Variant
from vreason_tracking.stores.mlflow_store import MlflowStore

COUNT = 14
BASE: scored_runs.Scores = {f"q-{number:02d}": float(number % 2) for number in range(COUNT)}
OWN: scored_runs.Scores = {**dict.fromkeys(BASE, 1.0), "q-01": 0.0}
IDENTITY = {"run": "0" * 16, "prompt": "1" * 16, "video": "2" * 16}
TAGS = {
    "device": "cpu",
    "host": "here",
    "user": "ada",
    "config.name": "trial",
    "data.digest": "d" * 32,
    "scoring": "robust",
    **{f"identity.{name}": value for name, value in IDENTITY.items()},
}
PARAMS = {"model.id": "demo", "data.source": "demo", "video.nframes": 8, "generation.max_new_tokens": 96, "prompt.file": None}


def one(root: Path, name: str, scores: scored_runs.Scores, position: int = 0, **changes: Any) -> RunFolder:
    """A finished run of preset "baseline" or "v-reason"; `changes` are fields of its manifest."""
    preset = "baseline" if name == "baseline" else "v-reason"
    params = PARAMS | {f"method.{key}": value for key, value in Variant(name, PRESETS[preset]).flattened().items()}
    about = {"call_position": position, "identity": IDENTITY, "tags": TAGS, "params": params, "sample_ids": tuple(scores)}
    recorder = readback.recorder_of(root, name, **{**about, "created_ms": readback.CREATED_MS + position, **changes})
    for number, (each, score) in enumerate(scores.items()):
        made = scored_runs.scored_sample(each, score, number)
        recorder.on_steps(records.steps(each, made.output_tokens, start_ms=made.started_ms))
        recorder.on_sample(made)
    recorder.finish("FINISHED")
    return recorder.folder


def pair(root: Path, store: MlflowStore | None = None) -> list[RunFolder]:
    """A run "baseline" and a run "v-reason", delivered if there is a store."""
    found = [one(root, "baseline", BASE), one(root, "v-reason", OWN, 1)]
    for folder in found if store else []:
        readback.deliver(folder, store)
    return found
