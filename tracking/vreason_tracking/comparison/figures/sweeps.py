"""Which runs form a sweep: they differ in one number of their method, and in nothing else of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PREFIX = "method."
_LEAST = 3


@dataclass(frozen=True)
class Sweep:
    """Runs along a parameter.

    Attributes:
        parameter: without "method.": "controller.k".
        points: value and place of each run, smallest value first.
        others: what tells this sweep from others along the same parameter; empty where there is one only.
    """

    parameter: str
    points: Sequence[tuple[float, int]]
    others: Mapping[str, str]


def sweeps(params: Sequence[Mapping[str, str]]) -> list[Sweep]:
    """Every sweep of at least three values, by parameter and then by its other settings. A seed is no setting to sweep along.

    Args:
        params: of each run; those that begin with "method." count.
    """
    methods = [{name.removeprefix(_PREFIX): value for name, value in each.items() if name.startswith(_PREFIX)} for each in params]
    found = []
    for parameter in sorted({name for method in methods for name in method if not name.endswith("seed")}):
        groups = _groups(methods, parameter)
        for others, points in groups:
            told = {name: value for name, value in others.items() if any(each.get(name) != value for each, _ in groups)}
            found.append(Sweep(parameter, points, told))
    return found


def _groups(methods: Sequence[Mapping[str, str]], parameter: str) -> list[tuple[dict[str, str], list[tuple[float, int]]]]:
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, int]]] = {}
    for place, method in enumerate(methods):
        value = number(method.get(parameter))
        if value is not None:
            rest = tuple(sorted((name, other) for name, other in method.items() if name != parameter))
            groups.setdefault(rest, []).append((value, place))
    return [(dict(rest), sorted(points)) for rest, points in sorted(groups.items()) if len({value for value, _ in points}) >= _LEAST]


def number(text: str | None) -> float | None:
    """A finite number; None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
