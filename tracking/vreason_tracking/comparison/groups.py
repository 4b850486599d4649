"""The parts in which results are looked at: all questions, benchmark, problem type, length of the video, category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

REGRESSION = "regression"
_EDGES = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 240.0, 900.0, 1_800.0, 3_600.0)
"""Seconds. Video-MME's short (up to 2 min), medium (4 to 15 min) and long (30 to 60 min) clips lie within; shorter ones are told apart."""
_UNKNOWN = "unknown length"


@dataclass(frozen=True)
class Group:
    """Some of the questions.

    Attributes:
        grouping: "all", "benchmark", "problem type", "video length" or "category".
        name: of this one.
        members: which questions, booleans, shape (n,).
    """

    grouping: str
    name: str
    members: NDArray[np.bool_]


def groups_of(
    benchmarks: Sequence[str], problem_types: Sequence[str], seconds: NDArray[np.float64], categories: Sequence[str]
) -> list[Group]:
    """Every group that has a question. A grouping with a single group is there too, so that a column is never missing.

    Args:
        benchmarks, problem_types, categories: a name a question, shape (n,).
        seconds: duration of the video, NaN where it is unknown, shape (n,).
    """
    lengths = [_length(value) for value in seconds]
    found = [Group("all", "all questions", np.ones(len(seconds), np.bool_))]
    for group in _named("benchmark", benchmarks, sorted(set(benchmarks))):
        found += [group, *_halves(group, problem_types)]
    found += _named("problem type", problem_types, sorted(set(problem_types)))
    found += _named("video length", lengths, [name for name in LENGTHS if name in set(lengths)])
    return [*found, *_named("category", categories, sorted(set(categories) - {""}))]


def _named(grouping: str, labels: Sequence[str], names: Sequence[str]) -> list[Group]:
    array = np.asarray(labels, dtype=object)
    return [Group(grouping, name, (array == name).astype(np.bool_)) for name in names]


def _halves(group: Group, problem_types: Sequence[str]) -> list[Group]:
    """Regression apart from the rest, where a benchmark has both: Video-R1's protocol reports two figures."""
    regression = np.asarray(problem_types, dtype=object) == REGRESSION
    parts = {"MRA": group.members & regression, "acc": group.members & ~regression}
    if not all(part.any() for part in parts.values()):
        return []
    return [Group(group.grouping, f"{group.name} ({name})", parts[name]) for name in ("acc", "MRA")]


def _length(seconds: float) -> str:
    return _UNKNOWN if np.isnan(seconds) else LENGTHS[int(np.searchsorted(_EDGES, seconds, side="right"))]


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


LENGTHS = (
    f"below {_time(_EDGES[0])}",
    *(f"{_time(low)} to {_time(high)}" for low, high in pairwise(_EDGES)),
    f"{_time(_EDGES[-1])} and more",
    _UNKNOWN,
)
"""Names of the length buckets, shortest first; a clip as long as an edge is in the longer one's."""
