"""Accuracy against what it costs: tokens, or time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.figures.pareto import pareto_front
from vreason_tracking.comparison.tables.cost_tables import timing_note
from vreason_tracking.presentation import (
    BASELINE,
    COLOURS,
    GREY,
    Figure,
    amount,
    count,
    intervals,
    legend,
    percent,
    percent_interval,
    place_labels,
    plain,
    render_svg,
    short_names,
    unit_axis,
)
from vreason_tracking.statistics import Estimate

NAMED = 10
"""More runs than this are numbered in the picture, and named below it."""
_FRONT = {"color": COLOURS[1], "linewidth": 1.3, "linestyle": (0, (5, 2))}


@dataclass(frozen=True)
class Price:
    """What is on the x axis.

    Attributes:
        name: of the picture.
        quantity: of `costs.QUANTITIES`.
        title: of the picture.
        axis, column: of the axis and of the table.
        scale: of the recorded values.
    """

    name: str
    quantity: str
    title: str
    axis: str
    column: str
    scale: float = 1.0


@dataclass(frozen=True)
class Point:
    """A run: its place in the comparison, accuracy (share) and median cost (recorded unit)."""

    run: int
    accuracy: Estimate
    cost: Estimate


PRICES = (
    Price("accuracy_tokens", "output_tokens", "Accuracy and length of the replies", "median output tokens a reply", "median output tokens"),
    Price("accuracy_latency", "latency_ms", "Accuracy and time to answer", "median time a reply (s)", "median latency (s)", 1e-3),
)


def draw(comparison: Comparison, price: Price) -> Figure | None:
    """None where no run has both figures."""
    points = points_of(comparison, price)
    if not points:
        return None
    front = pareto_front([each.accuracy.value for each in points], [each.cost.value for each in points])
    numbered = len(comparison.runs) > NAMED
    height = 4.0 + (0.17 * -(-len(points) // 3) if numbered else 0)
    return Figure(
        name=price.name,
        title=price.title,
        caption=_caption(numbered, _has_line(points, front)) + _timing(comparison, price),
        svg=render_svg(price.name, price.title, height, lambda canvas: _draw(canvas, comparison, price, points, front)),
        columns=["run", "accuracy", "95 % interval", "answered", price.column, "95 % interval of the median", "on the front"],
        rows=[_row(comparison, price, each, index in front) for index, each in enumerate(points)],
        run_ids=[comparison.runs[each.run].run_id for each in points],
    )


def points_of(comparison: Comparison, price: Price) -> list[Point]:
    """Of the runs that have both figures, over all questions."""
    found = []
    for run, result in enumerate(comparison.groups[0].results):
        median = result.costs[price.quantity].median
        if result.accuracy.estimate is not None and median is not None:
            found.append(Point(run, result.accuracy.estimate, median))
    return found


def _draw(canvas: Any, comparison: Comparison, price: Price, points: Sequence[Point], front: Sequence[int]) -> None:
    axes = canvas.subplots()
    xs, ys = [price.scale * each.cost.value for each in points], [each.accuracy.value for each in points]
    thin = 0.5 if len(points) > NAMED else 0.9
    intervals(axes, xs, [each.accuracy for each in points], color=GREY, linewidth=thin)
    intervals(axes, ys, [each.cost for each in points], across=True, scale=price.scale, color=GREY, linewidth=thin)
    axes.plot([xs[index] for index in front], [ys[index] for index in front], drawstyle="steps-post", zorder=3, **_FRONT)
    for index, each in enumerate(points):
        axes.plot([xs[index]], [ys[index]], **_mark(each.run == comparison.baseline, index in front))
    unit_axis(axes.yaxis, lambda value: f"{100 * value:g} %")
    unit_axis(axes.xaxis, amount)
    axes.set(xlabel=price.axis, ylabel="accuracy")
    axes.margins(0.08)
    _key(canvas, points, front, comparison.baseline)
    labels = _labels(canvas, comparison, points)
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")
    place_labels(axes, xs, ys, labels)


def _has_line(points: Sequence[Point], front: Sequence[int]) -> bool:
    return len({(points[index].cost.value, points[index].accuracy.value) for index in front}) > 1


def _mark(is_base: bool, on_front: bool) -> dict[str, Any]:
    """Square for the baseline, filled on the front; a run at the same place leaves its edge to be seen."""
    colour = BASELINE if is_base else COLOURS[0]
    face = colour if on_front else "white"
    return {
        "marker": "s" if is_base else "o",
        "color": colour,
        "markerfacecolor": face,
        "markersize": 9.5 if is_base else 6.5,
        "zorder": 3.5 if is_base else 4,
        "markeredgewidth": 1.2,
        "linestyle": "",
    }


def _key(canvas: Any, points: Sequence[Point], front: Sequence[int], baseline: int) -> None:
    """Of what is there: where every run is on the front the key has no other."""
    from matplotlib.lines import Line2D

    bases = [index for index, each in enumerate(points) if each.run == baseline]
    told = [("on the front", _mark(False, True), True), ("not on the front", _mark(False, False), len(front) < len(points))]
    told += [("front", _FRONT, _has_line(points, front)), *(("baseline", _mark(True, index in front), True) for index in bases)]
    shown = [(label, Line2D([], [], **look)) for label, look, is_there in told if is_there]
    legend(canvas, [handle for _, handle in shown], [label for label, _ in shown], 4)


def _labels(canvas: Any, comparison: Comparison, points: Sequence[Point]) -> list[str]:
    """Names; numbers of many runs, which are named below the picture."""
    names = short_names(comparison.names, 34)
    if len(comparison.runs) <= NAMED:
        return [names[each.run] for each in points]
    _names(canvas, names, points)
    return [str(each.run + 1) for each in points]


def _names(canvas: Any, names: Sequence[str], points: Sequence[Point]) -> None:
    """What the numbers stand for, in columns below."""
    from matplotlib.lines import Line2D

    blank = [Line2D([], [], linestyle="") for _ in points]
    legend = canvas.legend(blank, [f"{each.run + 1}  {names[each.run]}" for each in points], loc="outside lower left", ncols=3, fontsize=8)
    for handle in legend.legend_handles:
        handle.set_visible(False)


def _row(comparison: Comparison, price: Price, point: Point, on_front: bool) -> list[str]:
    cost = point.cost
    spread = "–" if cost.low is None or cost.high is None else f"{amount(price.scale * cost.low)} to {amount(price.scale * cost.high)}"
    name, own = plain(comparison.names[point.run]), point.accuracy
    return [
        name,
        percent(own.value),
        percent_interval(own),
        count(own.n),
        amount(price.scale * cost.value),
        spread,
        "yes" if on_front else "no",
    ]


def _timing(comparison: Comparison, price: Price) -> str:
    """Why times should not be read against each other; "" where they may, and of other prices."""
    note = timing_note(comparison) if price.quantity == "latency_ms" else ""
    return f" {note}" if note else ""


def _caption(numbered: bool, has_line: bool) -> str:
    front = "Filled: on the front, no other run is at least as good in both and better in one." + (
        " Between its runs the dashed line promises nothing." if has_line else ""
    )
    return (
        f"Each run's accuracy and its median cost over the questions it answered, with 95 % intervals (lines). {front}"
        + (" The numbers are named below." if numbered else "")
        + " Where intervals overlap, a run on the front is not thereby proven better than one below it; see the paired differences."
    )
