"""Accuracy along a parameter of the method."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.figures.sweep_groups import Sweep, settings_of, sweeps
from vreason_tracking.presentation import (
    COLOURS,
    PALE,
    Figure,
    count,
    intervals,
    legend,
    percent,
    percent_interval,
    plain,
    render_svg,
    shortened,
    unit_axis,
)
from vreason_tracking.statistics import Estimate

_DECADE = 10.0
_MOST_TICKS = 12
_REST = re.compile(r"(?<=\b[0-9a-f]{8})[0-9a-f]{8,}\b")  # of a digest of weights or a prompt: eight digits tell them apart


def draw(comparison: Comparison) -> list[Figure]:
    """One a sweep that has an answered run."""
    found: list[Figure] = []
    names: list[str] = []
    for sweep in sweeps([settings_of(run) for run in comparison.runs]):
        if any(_estimate(comparison, run) for _, run in sweep.points):
            names.append(re.sub(r"\W", "_", f"sweep_{sweep.parameter}", flags=re.ASCII))
            again = names.count(names[-1])
            found.append(_figure(comparison, sweep, f"{names[-1]}_{again}" if again > 1 else names[-1]))
    return found


def _figure(comparison: Comparison, sweep: Sweep, name: str) -> Figure:
    others = ", ".join(f"{legend} = {value}" for legend, value in sweep.others.items())
    title = f"Accuracy by {sweep.parameter}" + (f" ({shortened(_REST.sub('', others), 80)})" if others else "")
    return Figure(
        name=name,
        title=title,
        caption=_caption(_beside(comparison, sweep) is not None, _is_log(sweep)),
        svg=render_svg(name, title, 3.4, lambda canvas: _draw(canvas, comparison, sweep)),
        columns=[sweep.parameter, "run", "accuracy", "95 % interval", "answered"],
        rows=_rows(comparison, sweep),
        run_ids=[comparison.runs[run].run_id for _, run in sweep.points],
        note=f"Other settings: {others}." if others else "",
    )


def _estimate(comparison: Comparison, run: int) -> Estimate | None:
    return comparison.groups[0].results[run].accuracy.estimate


def _beside(comparison: Comparison, sweep: Sweep) -> Estimate | None:
    """The baseline's, unless it is one of the sweep's own runs."""
    return None if comparison.baseline in {run for _, run in sweep.points} else _estimate(comparison, comparison.baseline)


def _is_log(sweep: Sweep) -> bool:
    values = [value for value, _ in sweep.points]
    return values[0] > 0 and values[-1] / values[0] >= _DECADE


def _draw(canvas: Any, comparison: Comparison, sweep: Sweep) -> None:
    axes = canvas.subplots()
    places, estimates = [value for value, _ in sweep.points], [_estimate(comparison, run) for _, run in sweep.points]
    if _is_log(sweep):
        axes.set_xscale("log")
    base = _beside(comparison, sweep)
    if base is not None:
        _reference(canvas, axes, base)
    intervals(axes, places, estimates, color=COLOURS[0], linewidth=1.4)
    values = [each.value if each else float("nan") for each in estimates]
    axes.plot(places, values, color=COLOURS[0], linestyle="", marker="o", markersize=6.5)
    axes.plot(*middles(places, values), color=COLOURS[0], linewidth=0.8, linestyle=":")
    axes.margins(x=0.06, y=0.1)
    axes.set(xlabel=sweep.parameter, ylabel="accuracy")
    unit_axis(axes.yaxis, lambda value: f"{100 * value:g} %")
    _ticks(axes, places)


def middles(places: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Each place once, in order, with the mean of its values that are there; NaN where none is."""
    found: dict[float, list[float]] = {}
    for index, value in sorted(zip(places, values, strict=True)):
        found.setdefault(index, []).extend([] if math.isnan(value) else [value])
    return list(found), [fmean(each) if each else math.nan for each in found.values()]


def _reference(canvas: Any, axes: Any, base: Estimate) -> None:
    from matplotlib.patches import Patch

    line = axes.axhline(base.value, color="black", linewidth=1.2, linestyle=(0, (5, 2)))
    if base.low is None or base.high is None:
        legend(canvas, [line], ["baseline"], 1)
        return
    axes.axhspan(base.low, base.high, color=PALE, linewidth=0, zorder=0)
    legend(canvas, [line, Patch(color=PALE)], ["baseline", "its 95 % interval"], 2)


def _ticks(axes: Any, places: Sequence[float]) -> None:
    """The values themselves, where there are few enough to read."""
    from matplotlib.ticker import NullFormatter

    values = sorted(set(places))
    if len(values) <= _MOST_TICKS:
        axes.set_xticks(values, minor=False)
        axes.set_xticks([], minor=True)
    axes.xaxis.set_minor_formatter(NullFormatter())
    unit_axis(axes.xaxis, lambda value: f"{value:g}")


def _rows(comparison: Comparison, sweep: Sweep) -> list[list[str]]:
    found = []
    for value, run in sweep.points:
        own = comparison.groups[0].results[run].accuracy
        accuracy = own.estimate.value if own.estimate else None
        found.append([f"{value:g}", plain(comparison.names[run]), percent(accuracy), percent_interval(own.estimate), count(own.answered)])
    return found


def _caption(has_base: bool, is_log: bool) -> str:
    return (
        "Accuracy over the answered questions with 95 % intervals, of runs that differ in this setting of the method and, but for seeds, "
        "in no other one"
        + ("; the grey band is the baseline's interval." if has_base else ".")
        + (" The axis is logarithmic." if is_log else "")
        + " The dotted line only joins the points, of several at one value their mean. The best of several values is partly the luckiest: "
        "confirm it on questions it was not chosen by."
    )
