"""Which runs stand on the front of accuracy and cost: no other run is at least as good in both and better in one."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_front(accuracies: Sequence[float], costs: Sequence[float]) -> list[int]:
    """Places of the runs of which no other is at least as accurate and at most as costly, and better in one; cheapest first.

    Args:
        accuracies: higher is better.
        costs: lower is better.
    """
    front: list[int] = []
    best: tuple[float, float] | None = None
    for cost, missed, index in sorted(zip(costs, (-accuracy for accuracy in accuracies), range(len(costs)), strict=True)):
        if best is None or missed < best[1] or (cost, missed) == best:
            front.append(index)
            best = (cost, missed)
    return front
