"""Reads a run back from its store and holds it against the journal, point for point; what differs can be repaired.

A store may say that it has taken something and not have it: a proxy that answers in its place, a database restored from a backup.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vreason_tracking.delivery.checkpoint import DeliveryState, read_delivered
from vreason_tracking.delivery.recorded_content import RecordedContent, SampleContent
from vreason_tracking.journal import RunFolder
from vreason_tracking.records import KIND_TAG, SAMPLE_ID_TAG, SAMPLE_KIND, metric_names, metric_of
from vreason_tracking.stores import PARENT_TAG, MlflowStore, Point, truncate_values


@dataclass(frozen=True)
class Difference:
    """One run of MLflow that is not what the journal says.

    Attributes:
        sample_id: of the sample; None of the variant's own run.
        mlflow_ids: MLflow's ids of it; none where it is missing, several where there is more than one.
        reasons: what differs, in words.
        missing: points that it has not.
        recorded: whether the journal knows of such a run at all.
        superfluous: whether it has points, or a second run, that the journal does not know: that cannot be taken back, only replaced.
    """

    sample_id: str | None
    mlflow_ids: tuple[str, ...]
    reasons: tuple[str, ...]
    missing: tuple[Point, ...] = ()
    superfluous: bool = False
    recorded: bool = True

    def __str__(self) -> str:
        return f"{f'sample {self.sample_id!r}' if self.sample_id is not None else 'the run itself'}: {'; '.join(self.reasons)}"


@dataclass
class StoreCheck:
    """What came of reading a run back.

    Attributes:
        run_id, mlflow_id: its names in the journal and in MLflow; the latter None where it was not delivered.
        points, samples: how many the journal has, of finished samples and the variant together.
        differences: what the store has otherwise.
    """

    run_id: str
    mlflow_id: str | None
    points: int = 0
    samples: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether the store has what the journal has, and nothing else."""
        return not self.differences


def check_store(folder: RunFolder, store: MlflowStore) -> StoreCheck:
    """Hold the run that the marks name against the journal.

    Args:
        folder: the run's; it must have ended, for what is sent meanwhile would be taken for missing.
        store: where it was delivered to.

    Raises:
        TrackingError: the journal cannot be read.
        Exception: whatever the store raises.
    """
    marks = read_delivered(folder.delivery_log)
    found = StoreCheck(folder.run_id, marks.run_id)
    state = None if marks.run_id is None else store.state_of(marks.run_id)
    if marks.run_id is None or state != "active":
        what = "was not delivered" if marks.run_id is None else "was deleted" if state else "is not in the store"
        found.differences.append(Difference(None, (), (what,)))
        return found
    runs = _by_sample(store.all_runs(f"tags.`{PARENT_TAG}` = '{marks.run_id}'", "attributes.start_time ASC"))
    recorded = RecordedContent(folder)
    for content in recorded.samples():
        name = content.finished.sample.sample_id
        found.samples += 1
        found.points += len(content.points)
        stored = runs.pop(truncate_values({"": name})[""], [])
        difference = _of_sample(store, content, stored, _excluded(marks, name))
        found.differences += [difference] if difference else []
    found.differences += [
        Difference(name, (run.info.run_id,), ("the journal has no such finished sample",), superfluous=True, recorded=False)
        for name, left in runs.items()
        for run in left
    ]
    if recorded.variant is not None:
        found.points += len(recorded.variant.points)
        run = store.client.get_run(marks.run_id)
        excluded, variant = _excluded(marks, None), recorded.variant
        own = _compare(store, run, None, variant.points, variant.tags, variant.status, excluded)
        found.differences += [*own, *_of_description(store, run, folder, excluded)]
    return found


def _excluded(marks: DeliveryState, sample_id: str | None) -> set[tuple[str, str]]:
    """Kind and name of what the store has refused of a sample, or of the variant's own run, and is not expected there."""
    return {(kind, name) for sample, kind, name in marks.excluded if sample == sample_id}


def _of_description(store: MlflowStore, run: Any, folder: RunFolder, excluded: set[tuple[str, str]]) -> list[Difference]:
    """Settings and files of the variant's run."""
    reasons = []
    params = truncate_values({name: value for name, value in folder.manifest.params.items() if ("parameter", name) not in excluded})
    if wrong := sorted(name for name, value in params.items() if run.data.params.get(name) != value):
        reasons.append(f"settings are missing or differ: {', '.join(wrong[:5])}")
    there = {file.path for file in store.client.list_artifacts(run.info.run_id)}
    if lost := [name for name in _FILES if name not in there]:
        reasons.append(f"files are missing: {', '.join(lost)}")
    return [Difference(None, (run.info.run_id,), tuple(reasons))] if reasons else []


_FILES = ("config.yaml", "samples.parquet", "steps.parquet", "entropy.png")


def _by_sample(runs: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for run in runs:
        if run.data.tags.get(KIND_TAG) == SAMPLE_KIND:
            found.setdefault(run.data.tags.get(SAMPLE_ID_TAG, ""), []).append(run)
    return found


def _of_sample(store: MlflowStore, content: SampleContent, runs: list[Any], excluded: set[tuple[str, str]]) -> Difference | None:
    name = content.finished.sample.sample_id
    if not runs:
        return Difference(name, (), ("it is missing",), tuple(content.points))
    if len(runs) > 1:
        return Difference(name, tuple(run.info.run_id for run in runs), (f"there are {len(runs)} runs of it",), superfluous=True)
    return next(iter(_compare(store, runs[0], name, content.points, content.tags, content.status, excluded)), None)


def _compare(
    store: MlflowStore,
    run: Any,
    sample_id: str | None,
    points: list[Point],
    tags: Mapping[str, str],
    status: str,
    excluded: set[tuple[str, str]],
) -> list[Difference]:
    wanted = {_comparable(point) for point in points if ("metric", point[0]) not in excluded}
    known = {name for name in run.data.metrics if _is_ours(name)}
    stored = {point for name in known for point in _stored(store, run.info.run_id, name)}
    lacking, beyond = wanted - stored, stored - wanted
    reasons = []
    if lacking:
        reasons.append(f"{len(lacking):,} of {len(wanted):,} points are missing ({_names(lacking)})")
    if beyond:
        reasons.append(f"{len(beyond):,} points are not the journal's ({_names(beyond)})")
    expected = truncate_values({name: value for name, value in tags.items() if ("tag", name) not in excluded})
    if wrong := sorted(name for name, value in expected.items() if run.data.tags.get(name) != value):
        reasons.append(f"tags differ: {', '.join(wrong[:5])}")
    if run.info.status != status:
        reasons.append(f"its status is {run.info.status}, not {status}")
    if not reasons:
        return []
    missing = tuple(point for point in points if _comparable(point) in lacking)
    return [Difference(sample_id, (run.info.run_id,), tuple(reasons), missing, bool(beyond))]


def _stored(store: MlflowStore, run_id: str, name: str) -> Iterable[tuple[str, int, int, str]]:
    current = metric_names.current_name(name)
    for point in store.client.get_metric_history(run_id, name):
        yield _comparable((current, point.value, point.timestamp, point.step))


def _comparable(point: Point) -> tuple[str, int, int, str]:
    """A point as it can be compared: databases keep infinity as the greatest number, and NaN is not equal to itself."""
    name, value, stamp, step = point
    value = max(-sys.float_info.max, min(sys.float_info.max, value)) if not math.isnan(value) else value
    return name, stamp, step, repr(float(value) + 0.0)  # and minus zero is zero


def _is_ours(name: str) -> bool:
    """Whether it is one of our metrics: what somebody has logged beside them is his."""
    try:
        metric_of(metric_names.current_name(name))
    except KeyError:
        return False
    return True


def _names(points: Iterable[tuple[str, int, int, str]]) -> str:
    names = sorted({point[0] for point in points})
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
