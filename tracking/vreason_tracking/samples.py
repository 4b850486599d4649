"""Reads one sample's record back out of MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking.database import without_password
from vreason_tracking.mlflow_store import MlflowStore


@dataclass(frozen=True)
class RecordedSample:
    """A sample as it was recorded.

    Attributes:
        run_id: of its nested run.
        tags: question, answer, prediction, output and the rest; see `recorder.sample_tags`.
        metrics: score, output_tokens and latency_ms, as far as it has them.
        series: metric name to its values by token index, (token, value).
    """

    run_id: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    series: Mapping[str, Sequence[tuple[int, float]]]


def find_run(store: MlflowStore, name: str) -> Any:
    """A variant's run by its id, the beginning of its id, or its name (then the newest of that name).

    Raises:
        TrackingError: there is none, or the beginning fits several.
    """
    runs = store.all_runs("tags.`vreason.kind` = 'variant'", "attributes.start_time DESC")
    fitting = [run for run in runs if run.info.run_id.startswith(name)] if name else []
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1:
        raise TrackingError(f"{name!r} is the beginning of {len(fitting)} run ids; give more of it")
    named = [run for run in runs if run.info.run_name == name]
    if named:
        return named[0]
    known = ", ".join(f"{run.info.run_id[:8]} ({run.info.run_name})" for run in runs[:5]) or "none yet"
    raise TrackingError(f"no run {name!r} in {without_password(store.uri)}; the newest are: {known}")


def sample_rows(store: MlflowStore, run_id: str) -> list[tuple[str, Mapping[str, str]]]:
    """Run id and tags of every sample of a variant's run, in the order in which they were answered."""
    runs = store.all_runs(f"tags.`mlflow.parentRunId` = '{run_id}'", "attributes.start_time ASC")
    return sorted(((run.info.run_id, run.data.tags) for run in runs), key=lambda row: row[1].get("vreason.number", ""))


def read_sample(store: MlflowStore, run_id: str, sample_id: str) -> RecordedSample:
    """One sample of a variant's run with its series.

    Raises:
        TrackingError: the run has no such sample.
    """
    rows = {tags["vreason.sample_id"]: nested for nested, tags in sample_rows(store, run_id) if "vreason.sample_id" in tags}
    if sample_id not in rows:
        known = ", ".join(list(rows)[:5]) or "none"
        raise TrackingError(f"run {run_id[:8]} has no sample {sample_id!r}; it has {len(rows)}, for example {known}")
    run = store.client.get_run(rows[sample_id])
    series = {
        name: sorted((point.step, point.value) for point in store.client.get_metric_history(run.info.run_id, name))
        for name in ("entropy", "ema", "alpha", "loss")
        if name in run.data.metrics
    }
    figures = {name: run.data.metrics[name] for name in ("score", "output_tokens", "latency_ms") if name in run.data.metrics}
    return RecordedSample(run.info.run_id, run.data.tags, figures, series)
