"""A recorded variant: how tests make one of synthetic samples, and read it back through MLflow's own API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq

from tests.doubles import records
from vreason_tracking.mlflow_store import MlflowStore
from vreason_tracking.recorder import RunRecorder

CONFIG = "name: trial  # größer\n"
LENGTHS = {"s-1": 12, "s-2": 7, "s-3": 1}


def recorder_of(store: MlflowStore, name: str = "v-reason") -> RunRecorder:
    """A recorder for one variant."""
    return RunRecorder(store, name, {"seed": 0, "method.controller.k": 4}, {"device": "cpu"}, CONFIG)


def answer(recorder: RunRecorder, lengths: Mapping[str, int] = LENGTHS, controller: bool = True) -> dict[str, list[Any]]:
    """Samples of these lengths, one after the other, the second one wrong, the third a regression item."""
    replies = {name: records.steps(name, length, controller=controller) for name, length in lengths.items()}
    changes: dict[str, dict[str, Any]] = {
        "s-2": {"score": 0.0, "prediction": "A"},
        "s-3": {"score": 0.4, "problem_type": "regression", "options": ()},
    }
    for name, reply in replies.items():
        for start in range(0, len(reply), 5):
            recorder.on_steps(reply[start : start + 5])
        recorder.on_sample(records.sample(name, reply, **changes.get(name, {})))
    return replies


def nested(client: Any, run_id: str) -> dict[str, Any]:
    """The runs of a variant's samples by sample id."""
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    return {run.data.tags["vreason.sample_id"]: run for run in found}


def series(client: Any, run_id: str, name: str) -> list[tuple[int, int, float]]:
    """A metric's points: step, time in milliseconds, value."""
    return sorted((point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, name))


def rows(client: Any, run_id: str, file: str) -> list[dict[str, Any]]:
    """A table among a run's artifacts."""
    found: list[dict[str, Any]] = pq.read_table(client.download_artifacts(run_id, file)).to_pylist()
    return found
