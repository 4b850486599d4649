"""Which runs no other run beats in both accuracy and cost."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_front(accuracies: Sequence[float | None], costs: Sequence[float | None]) -> list[int]:
    """Places of the runs of which no other is at least as accurate and at most as costly, and better in one; cheapest first.

    Args:
        accuracies: higher is better; None keeps a run out.
        costs: lower is better; None keeps a run out.
    """
    known = [
        (cost, -accuracy, place)
        for place, (accuracy, cost) in enumerate(zip(accuracies, costs, strict=True))
        if accuracy is not None and cost is not None
    ]
    front: list[int] = []
    best: tuple[float, float] | None = None
    for cost, missed, place in sorted(known):
        if best is None or missed < best[1] or (cost, missed) == best:
            front.append(place)
            best = (cost, missed)
    return front
