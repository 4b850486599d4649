"""The parts in which results are looked at: all questions, benchmark, problem type, length of the video, category."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vreason.errors import IncomparableRunsError

REGRESSION = "regression"
_EDGES = (120.0, 240.0, 900.0, 1_800.0, 3_600.0)
"""Seconds. Video-MME's short (up to 2 min), medium (4 to 15 min) and long (30 to 60 min) clips are a bucket each."""
_FINE = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""Where no clip is longer than 2 min."""
_UNKNOWN = "unknown length"
_WITHOUT = "(none)"
_MOST, _SHOWN = 50, 20  # groups of a key; keys named in a message


@dataclass(frozen=True)
class Group:
    """Some of the questions.

    Attributes:
        grouping: "all", "benchmark", "problem type", "video length", "category", or "metadata " and a key of the data file's own columns.
        name: of this one.
        members: which questions, booleans, shape (n,).
        part: of another group of the grouping, and no group beside it: a benchmark's accuracy and MRA.
    """

    grouping: str
    name: str
    members: NDArray[np.bool_]
    part: bool = False


def groups_of(
    benchmarks: Sequence[str],
    problem_types: Sequence[str],
    seconds: NDArray[np.float64],
    categories: Sequence[str],
    metadata: Mapping[str, Sequence[str]] | None = None,
) -> list[Group]:
    """Every group that has a question. A grouping with a single group is there too, so that a column is never missing.

    Args:
        benchmarks, problem_types, categories: a name a question, shape (n,).
        seconds: duration of the video, NaN where it is unknown, shape (n,).
        metadata: by key of the data file's own columns, a value a question, shape (n,).
    """
    lengths, names = lengths_of(seconds)
    found = [Group("all", "all questions", np.ones(len(seconds), np.bool_))]
    for group in _named("benchmark", benchmarks, sorted(set(benchmarks))):
        found += [group, *_halves(group, problem_types)]
    found += _named("problem type", problem_types, sorted(set(problem_types)))
    found += _named("video length", lengths, names)
    found += _named("category", categories, sorted(set(categories) - {""}))
    for key, labels in (metadata or {}).items():
        found += _named(metadata_grouping(key), labels, sorted(set(labels), key=_by_number))
    return found


def metadata_grouping(key: str) -> str:
    """The grouping by a key of the data file's own columns."""
    return f"metadata {key}"


def labels_of(texts: Sequence[str | None], key: str) -> list[str]:
    """Each question's value of a key, as text.

    Args:
        texts: a JSON object a question; empty or None where the data file has nothing else.
        key: one of its names.

    Raises:
        IncomparableRunsError: no question has the key, or there are so many values that a group of each says nothing.
    """
    found = [json.loads(text) if text else {} for text in texts]
    if not any(key in each for each in found):
        known = sorted({name for each in found for name in each})
        there = f"there are {', '.join(known[:_SHOWN])}" if known else "the data file has no columns of its own"
        raise IncomparableRunsError(f"no question has {key!r} among its metadata; {there}")
    labels = [_label(each[key]) if key in each else _WITHOUT for each in found]
    if (count := len(set(labels))) > _MOST:
        raise IncomparableRunsError(f"metadata {key!r} has {count} different values; a group of each would say nothing, at most {_MOST} do")
    return labels


def _label(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _by_number(label: str) -> tuple[bool, float, str]:
    """Numbers by size, before other texts."""
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label


def _named(grouping: str, labels: Sequence[str], names: Sequence[str]) -> list[Group]:
    array = np.asarray(labels, dtype=object)
    return [Group(grouping, name, (array == name).astype(np.bool_)) for name in names]


def _halves(group: Group, problem_types: Sequence[str]) -> list[Group]:
    """Regression apart from the rest, where a benchmark has both: Video-R1's protocol reports two figures."""
    regression = np.asarray(problem_types, dtype=object) == REGRESSION
    parts = {"MRA": group.members & regression, "acc": group.members & ~regression}
    if not all(part.any() for part in parts.values()):
        return []
    return [Group(group.grouping, f"{group.name} ({name})", parts[name], part=True) for name in ("acc", "MRA")]


def lengths_of(seconds: NDArray[np.float64]) -> tuple[list[str], list[str]]:
    """The bucket of each video's length, and those that are not empty, the shortest first.

    Args:
        seconds: NaN where it is unknown, shape (n,). A clip as long as an edge is in the shorter one's bucket.
    """
    edges = _FINE if bool((seconds[~np.isnan(seconds)] <= _FINE[-1]).all()) else _EDGES
    names = [f"up to {_time(edges[0])}", *(f"{_time(low)} to {_time(high)}" for low, high in pairwise(edges)), f"over {_time(edges[-1])}"]
    lengths = [_UNKNOWN if np.isnan(value) else names[int(np.searchsorted(edges, value, side="left"))] for value in seconds]
    return lengths, [name for name in (*names, _UNKNOWN) if name in set(lengths)]


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"
