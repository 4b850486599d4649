"""Entropy of one reply by token, as a small inline SVG: plain polylines, the same bytes for the same steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vreason.evaluation import final_peak

MOST_POINTS = 200
_WIDTH, _HEIGHT = 400, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 392, 22, 116
Points = list[tuple[int, float]]


def scale_of(replies: Sequence[Mapping[str, Sequence[Any]]]) -> tuple[int, float]:
    """Last token and highest nats, for the axes of replies that stand beside each other; nats are rounded up to a half."""
    last = max((point[0] for steps in replies for point in _points(steps, "entropy")), default=0)
    high = max((value for steps in replies for name in ("entropy", "ema") for _, value in _points(steps, name)), default=0.0)
    return max(1, last), max(0.5, math.ceil(high * 2) / 2)


def reply_curve(steps: Mapping[str, Sequence[Any]], last: int, nats: float) -> str:
    """Entropy and its moving average over the tokens; "" where no step is recorded. Numbers and fixed words only: safe as it is.

    Args:
        steps: columns of the steps, `curves.STEP_COLUMNS`.
        last, nats: ends of the axes, see `scale_of`.
    """
    entropy = _points(steps, "entropy")
    if not entropy:
        return ""

    def line(name: str, points: Points) -> str:
        places = " ".join(f"{_across(index, last)},{_down(value, nats)}" for index, value in points)
        return f'<polyline class="{name}" points="{places}"/>'

    drawn = [line("h", _extremes(entropy)), line("m", _thinned(_points(steps, "ema")))]
    head = f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="entropy and its moving average by token, in nats">'
    return head + _axes(last, nats) + "".join(drawn) + _peak(steps, last) + "</svg>"


def _points(steps: Mapping[str, Sequence[Any]], name: str) -> Points:
    """Values of a column by token; what is missing or no number is left out."""
    pairs = zip(steps.get("token_index", ()), steps.get(name, ()), strict=False)
    return [(int(index), float(value)) for index, value in pairs if value is not None and math.isfinite(value)]


def _across(index: int, last: int) -> int:
    return round(_LEFT + (_RIGHT - _LEFT) * index / last)


def _down(value: float, nats: float) -> int:
    return round(_BOTTOM - (_BOTTOM - _TOP) * value / nats)


def _extremes(points: Points) -> Points:
    """At most `MOST_POINTS` of them, first and last, and lowest and highest of each stretch: no spike is lost."""
    if len(points) <= MOST_POINTS:
        return points
    stretches = MOST_POINTS // 2 - 1
    kept = {points[0], points[-1]}
    for number in range(stretches):
        part = points[number * len(points) // stretches : (number + 1) * len(points) // stretches]
        kept |= {min(part, key=_height), max(part, key=_height)}
    return sorted(kept)


def _height(point: tuple[int, float]) -> float:
    return point[1]


def _thinned(points: Points) -> Points:
    """At most `MOST_POINTS` of them, evenly, first and last included."""
    if len(points) <= MOST_POINTS:
        return points
    return [points[number * (len(points) - 1) // (MOST_POINTS - 1)] for number in range(MOST_POINTS)]


def _axes(last: int, nats: float) -> str:
    frame = f'<path d="M{_LEFT},{_TOP}V{_BOTTOM}H{_RIGHT}"/>'
    middle = last // 2
    ticks = [(index, "start" if index == 0 else "end" if index == last else "middle") for index in dict.fromkeys((0, middle, last))]
    across = "".join(f'<text x="{_across(index, last)}" y="{_BOTTOM + 13}" text-anchor="{side}">{index}</text>' for index, side in ticks)
    levels = [(value, _down(value, nats) + 4) for value in (0.0, nats / 2, nats)]
    down = "".join(f'<text x="{_LEFT - 4}" y="{position}" text-anchor="end">{value:g}</text>' for value, position in levels)
    names = f'<text x="{(_LEFT + _RIGHT) // 2}" y="{_HEIGHT - 6}" text-anchor="middle">token t</text>'
    unit = f'<text x="{_LEFT - 4}" y="{_TOP - 9}" text-anchor="end">nats</text>'
    return frame + across + down + names + unit


def _peak(steps: Mapping[str, Sequence[Any]], last: int) -> str:
    """Where the moving average was highest for the last time: exploitation alone follows."""
    peak = final_peak(zip(steps["token_index"], steps["ema"], steps["peak"], strict=True))
    if peak is None:
        return ""
    across = _across(peak, last)
    side, step = ("start", 3) if across < (_LEFT + _RIGHT) // 2 else ("end", -3)
    named = f'<text x="{across + step}" y="{_TOP - 9}" text-anchor="{side}">last peak t = {peak}</text>'
    return f'<path class="k" d="M{across},{_TOP}V{_BOTTOM}"/>{named}'
