"""Comparisons that were published, as an MLflow store knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vreason_tracking.catalog.run_list import iso
from vreason_tracking.catalog.stored_run import translate_store_errors
from vreason_tracking.records import (
    COMPARED_BASELINE_TAG,
    COMPARED_RUNS_TAG,
    COMPARISON_KIND,
    DESCRIPTION_TAG,
    KIND_TAG,
    USER_TAG,
    WARNINGS_TAG,
)
from vreason_tracking.stores import MlflowStore


@dataclass(frozen=True)
class StoredReport:
    """A published comparison.

    Attributes:
        id: of its run in MLflow.
        name: its title.
        experiment_id, experiment: where it is.
        made: UTC, ISO 8601.
        by: who made it.
        run_ids: of the runs that are compared, in the order of the report.
        baseline_id: the one that the others are compared with.
        warnings: what a reader has to know first.
        verdicts: what the comparison says, in sentences, Markdown.
        artifact_uri: where its files are.
    """

    id: str
    name: str
    experiment_id: str
    experiment: str
    made: str
    by: str
    run_ids: Sequence[str]
    baseline_id: str
    warnings: Sequence[str]
    verdicts: Sequence[str]
    artifact_uri: str


def stored_reports(store: MlflowStore) -> list[StoredReport]:
    """Every published comparison of the store's experiment, or experiments; newest first.

    Raises:
        TrackingError: the store does not answer.
    """
    with translate_store_errors(store):
        found = store.all_runs(f"tags.`{KIND_TAG}` = '{COMPARISON_KIND}'", "attributes.start_time DESC")
    return [_report(run, store) for run in found]


def _report(run: Any, store: MlflowStore) -> StoredReport:
    tags = run.data.tags
    warnings = [line for line in tags.get(WARNINGS_TAG, "none").splitlines() if line != "none"]
    paragraphs = [each.strip() for each in tags.get(DESCRIPTION_TAG, "").split("\n\n")]
    return StoredReport(
        id=str(run.info.run_id),
        name=str(run.info.run_name),
        experiment_id=str(run.info.experiment_id),
        experiment=store.experiments.get(str(run.info.experiment_id), str(run.info.experiment_id)),
        made=iso(int(run.info.start_time)),
        by=tags.get(USER_TAG, ""),
        run_ids=tags.get(COMPARED_RUNS_TAG, "").split(),
        baseline_id=tags.get(COMPARED_BASELINE_TAG, ""),
        warnings=warnings,
        verdicts=[each for each in paragraphs if each and not each.startswith("**WARNING**")],
        artifact_uri=str(run.info.artifact_uri),
    )
