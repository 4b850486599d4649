"""Where the moving average of the entropy has its final peak: there macro-exploitation begins (arXiv 2510.17045, Figure 1).

    t_peak = the last t with H^ema_t >= H^ema_peak(t), the running maximum with t included

The one rule for it: records, reports, pages and pictures all ask here. Loads without torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vreason.events import StepRecord


def final_peak(points: Iterable[tuple[int, float | None, float | None]]) -> int | None:
    """The token of the final peak.

    Args:
        points: (t, H^ema_t, H^ema_peak) of each token in order, nats. A point without one of its figures is passed over.

    Returns:
        The token index; None without a point.
    """
    highest = None
    for token, ema, peak in points:
        if ema is not None and peak is not None and ema >= peak:
            highest = token
    return highest


def final_peak_of_average(ema: Iterable[tuple[int, float]]) -> int | None:
    """The token of the final peak of an average whose running maximum is not at hand: (t, H^ema_t) of each token in order, nats."""
    return final_peak(_with_maximum(ema))


def final_peak_token(steps: Sequence[StepRecord]) -> int | None:
    """The token of the final peak in one sample's steps, which are in order; None without a step."""
    return final_peak((step.token_index, step.ema, step.peak) for step in steps)


def _with_maximum(ema: Iterable[tuple[int, float]]) -> Iterable[tuple[int, float, float]]:
    greatest = float("-inf")
    for token, value in ema:
        greatest = max(greatest, value)
        yield token, value, greatest
