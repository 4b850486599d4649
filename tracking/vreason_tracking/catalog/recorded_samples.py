"""Reads one sample's record back: out of the journal where that is here, else out of MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.run_steps import journal_steps, unknown_sample
from vreason_tracking.catalog.stored_run import StoredRun, series_of, translate_store_errors
from vreason_tracking.delivery import sample_tags
from vreason_tracking.records import NUMBER_TAG, SAMPLE_ID_TAG, metric_names, sample_points
from vreason_tracking.stores import PARENT_TAG, MlflowStore

FIGURES = (metric_names.SCORE, metric_names.OUTPUT_TOKENS, metric_names.TOTAL_MS)
SERIES = ("entropy", "ema", "alpha", "loss")


@dataclass(frozen=True)
class RecordedSample:
    """A sample as it was recorded.

    Attributes:
        run_id: of its nested run in MLflow; None where it is not delivered yet.
        tags: question, answer, prediction, output and the rest; see `delivery.mlflow_points.sample_tags`.
        metrics: those of `FIGURES` that it has.
        series: metric name to its values by token index, (token, value); those of `SERIES` that it has.
        note: what a reader must know, such as that steps of it are damaged.
    """

    run_id: str | None
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    series: Mapping[str, Sequence[tuple[int, float]]]
    note: str | None = None


def sample_tags_of(run: Run) -> list[Mapping[str, str]]:
    """The tags of every finished sample of a run, in the order in which they were answered.

    Raises:
        TrackingError: the side that knows them cannot be read.
    """
    if run.local is not None:
        return [sample_tags(closed.sample) for closed in run.local.samples]
    stored = _there(run)
    with translate_store_errors(stored.store):
        return [tags for _, tags in sample_rows(stored.store, stored.run_id)]


def sample_of(run: Run, sample_id: str) -> RecordedSample:
    """One finished sample of a run with its series: from the journal where it is there, else from the store.

    Raises:
        TrackingError: the run has no such sample, or it has not ended.
    """
    if run.local is not None:
        return _from_journal(run.local, sample_id)
    stored = _there(run)
    with translate_store_errors(stored.store):
        return read_sample(stored.store, stored.run_id, sample_id)


def _there(run: Run) -> StoredRun:
    assert run.stored is not None, "a run is known from one side at least"
    return run.stored


def _from_journal(local: LocalRun, sample_id: str) -> RecordedSample:
    found = journal_steps(local, sample_id)
    if found is None:
        raise TrackingError(unknown_sample(local.run_id, sample_id, [closed.sample.sample_id for closed in local.samples]))
    if found.sample is None:
        raise TrackingError(f"{sample_id}: {found.note}; `vreason-track runs steps {local.run_id} {sample_id}` shows them")
    values = {name: [(step.token_index, getattr(step, name)) for step in found.steps] for name in SERIES}
    series = {name: [(token, float(value)) for token, value in points if value is not None] for name, points in values.items()}
    figures = {name: value for name, value in sample_points(found.sample) if name in FIGURES}
    nested = local.marks.samples.get(sample_id)
    series = {name: points for name, points in series.items() if points}
    return RecordedSample(nested, sample_tags(found.sample), figures, series, found.note)


def sample_rows(store: MlflowStore, run_id: str) -> list[tuple[str, Mapping[str, str]]]:
    """Run id and tags of every sample of a variant's run, in the order in which they were answered."""
    runs = store.all_runs(f"tags.`{PARENT_TAG}` = '{run_id}'", "attributes.start_time ASC")
    return sorted(((run.info.run_id, run.data.tags) for run in runs), key=lambda row: row[1].get(NUMBER_TAG, ""))


def read_sample(store: MlflowStore, run_id: str, sample_id: str) -> RecordedSample:
    """One sample of a variant's run with its series.

    Raises:
        TrackingError: the run has no such sample.
    """
    rows = {tags[SAMPLE_ID_TAG]: nested for nested, tags in sample_rows(store, run_id) if SAMPLE_ID_TAG in tags}
    if sample_id not in rows:
        raise TrackingError(unknown_sample(run_id, sample_id, list(rows)))
    run = store.client.get_run(rows[sample_id])
    metrics = metric_names.in_current_names(run.data.metrics)
    series = {
        name: sorted((point.step, point.value) for point in series_of(store, run.info.run_id, name)) for name in SERIES if name in metrics
    }
    figures = {name: metrics[name] for name in FIGURES if name in metrics}
    return RecordedSample(run.info.run_id, run.data.tags, figures, series)
