"""What a model does in production beside what its registered run did: entropy, failure signatures, lengths and times.

The questions are not the same, so nothing is paired and accuracy is not asked for. A figure that differs says that something has changed,
in the model or in what it is asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vreason.errors import IncomparableRunsError, TrackingError
from vreason.evaluation import ADVICE
from vreason.events import StepRecord
from vreason_tracking.catalog import RecordedRun
from vreason_tracking.presentation import NONE, Table, amount, percent
from vreason_tracking.records import DEVICE_TAG, SERVED_SOURCE, SERVED_TAG, SOURCE_TAG, SampleTable, read_samples, record_file
from vreason_tracking.statistics import Estimate, codes_of, estimates

Values = NDArray[np.float64]


@dataclass(frozen=True)
class DriftFigure:
    """One quantity of a reply, its mean on both sides.

    Attributes:
        name: in the documents.
        title, unit: for readers; a "share" is of 1.
        registered, served: means with 95 % intervals; None where no reply has it.
        difference: served less registered, with its 95 % interval (both standard errors together; degrees of freedom by the side
            that has fewer clusters); None where a side has less than two.
    """

    name: str
    title: str
    unit: str
    registered: Estimate | None
    served: Estimate | None
    difference: tuple[float, float, float] | None

    @property
    def moved(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.difference is not None and not self.difference[1] <= 0 <= self.difference[2]


@dataclass(frozen=True)
class Drift:
    """Served replies beside the registered run.

    Attributes:
        registered, served: the runs.
        version: of the model that was served.
        replies: how many on each side.
        figures: of a reply.
        warnings: what a reader must know.
    """

    registered: RecordedRun
    served: RecordedRun
    version: str
    replies: tuple[int, int]
    figures: Sequence[DriftFigure]
    warnings: Sequence[str]


def is_served(run: RecordedRun) -> bool:
    """Whether a record was made by a server."""
    return run.tags.get(SOURCE_TAG) == SERVED_SOURCE


def drift(registered: RecordedRun, served: RecordedRun) -> Drift:
    """The figures of both.

    Raises:
        IncomparableRunsError: neither, or both, were served.
        TrackingError: a record cannot be read, or holds no reply.
    """
    if is_served(registered) or not is_served(served):
        raise IncomparableRunsError("drift is told of a run and of replies that were served; name one of each, the run first")
    tables = [read_samples(run.samples) for run in (registered, served)]
    for run, table in zip((registered, served), tables, strict=True):
        if not table.ids:
            raise TrackingError(f"{run.name} ({run.run_id}) holds no reply yet; ask the server something, or wait for its journal")
    entropies = [_entropies(run) for run in (registered, served)]
    columns = [_columns(table, entropy) for table, entropy in zip(tables, entropies, strict=True)]
    clusters = [_clusters(table) for table in tables]
    figures = [_figure(name, title, unit, columns, clusters) for name, title, unit in _titles()]
    version = served.tags.get(SERVED_TAG, "?")
    return Drift(registered, served, version, (len(tables[0].ids), len(tables[1].ids)), figures, _warnings(registered, served))


def _titles() -> list[tuple[str, str, str]]:
    named = [
        ("entropy", "mean entropy", "nats"),
        ("peak_place", "place of the entropy's final peak in the reply", "share"),
        ("output_tokens", "tokens of a reply", "tokens"),
        ("generation_ms", "time of a reply", "ms"),
        ("control_share", "control's share of the time", "share"),
        ("failed", "failed", "share"),
    ]
    return named + [(f"signature.{name}", name, "share") for name in ADVICE]


def _columns(table: SampleTable, entropies: Mapping[str, float]) -> dict[str, Values]:
    """Each quantity of each reply; NaN for one that does not have it."""
    numbers = table.numbers
    failed = np.array([text is not None for text in table.texts["error"]], np.float64)
    tokens = np.where(failed > 0, np.nan, numbers["output_tokens"])
    lists = table.lists["signatures"]
    found = {
        "entropy": np.array([entropies.get(name, math.nan) for name in table.ids]),
        "peak_place": _ratio(numbers["peak_token"] + 1, tokens),
        "output_tokens": tokens,
        "generation_ms": numbers["generation_ms"],
        "control_share": _ratio(numbers["control_ms"], numbers["generation_ms"]),
        "failed": failed,
    }
    for name in ADVICE:
        found[f"signature.{name}"] = np.array([float(name in (each or ())) for each in lists])
    return found


def _ratio(above: Values, below: Values) -> Values:
    found: Values = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return found


def _clusters(table: SampleTable) -> NDArray[np.int64]:
    """Replies about one video stand or fall together; one whose video is not recorded is by itself."""
    return codes_of([video or name for video, name in zip(table.texts["video"], table.ids, strict=True)])


def _entropies(run: RecordedRun) -> dict[str, float]:
    """Mean entropy of each reply, nats."""
    sums: dict[str, tuple[float, int]] = {}
    with record_file(run.steps, StepRecord, "steps", dictionaries=["sample_id"]) as file:
        for number in range(file.row_groups):
            group = file.read_group(number, ["sample_id", "entropy"])
            found = group.group_by("sample_id").aggregate([("entropy", "sum"), ("entropy", "count")])
            columns = [found.column(name).to_pylist() for name in ("sample_id", "entropy_sum", "entropy_count")]
            for name, total, count in zip(*columns, strict=True):
                before = sums.get(str(name), (0.0, 0))
                sums[str(name)] = (before[0] + total, before[1] + count)
    return {name: total / count for name, (total, count) in sums.items() if count}


def _figure(
    name: str, title: str, unit: str, columns: Sequence[Mapping[str, Values]], clusters: Sequence[NDArray[np.int64]]
) -> DriftFigure:
    bounds = (0.0, 1.0) if unit == "share" else None
    sides = []
    for side, codes in zip(columns, clusters, strict=True):
        there = ~np.isnan(side[name])
        sides.append(estimates.mean(side[name][there], estimates.compact(codes[there]), bounds) if there.any() else None)
    return DriftFigure(name, title, unit, sides[0], sides[1], _difference(*sides))


def _difference(registered: Estimate | None, served: Estimate | None) -> tuple[float, float, float] | None:
    if registered is None or served is None or registered.standard_error is None or served.standard_error is None:
        return None
    value = served.value - registered.value
    error = math.hypot(registered.standard_error, served.standard_error)
    half = estimates.t_quantile(min(registered.clusters, served.clusters)) * error
    return value, value - half, value + half


def _warnings(registered: RecordedRun, served: RecordedRun) -> list[str]:
    told = []
    if registered.identity and served.identity and registered.identity != served.identity:
        told.append(f"{served.name} was not made of this run: their fingerprints differ")
    if registered.tags.get(DEVICE_TAG) != served.tags.get(DEVICE_TAG):
        told.append("they ran on different devices: times do not compare")
    return told


def drift_table(found: Drift) -> Table:
    """The figures, one a row; what has moved is marked."""
    rows = [
        [figure.title, *_side(figure.registered, figure.unit), *_side(figure.served, figure.unit), *_moved(figure)]
        for figure in found.figures
    ]
    note = "Questions are not the same, so nothing is paired. *: the interval of the difference leaves out 0."
    heads = ["", "registered", "its 95 % interval", "served", "95 % interval", "difference", "of it", "moved"]
    return Table("drift", "Drift", heads, rows, 1, note)


def _side(estimate: Estimate | None, unit: str) -> list[str]:
    if estimate is None:
        return [NONE, NONE]
    interval = NONE if estimate.low is None or estimate.high is None else f"{_shown(estimate.low, unit)} to {_shown(estimate.high, unit)}"
    return [_shown(estimate.value, unit), interval]


def _moved(figure: DriftFigure) -> list[str]:
    if figure.difference is None:
        return [NONE, NONE, ""]
    value, low, high = figure.difference
    return [_shown(value, figure.unit), f"{_shown(low, figure.unit)} to {_shown(high, figure.unit)}", "*" if figure.moved else ""]


def _shown(value: float, unit: str) -> str:
    return percent(value) if unit == "share" else f"{amount(value)} {unit}"
