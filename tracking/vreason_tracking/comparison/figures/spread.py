"""How tokens and latency spread over the questions, of every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.presentation import COLOURS, GREY, PALE, Figure, amount, count, plain, render_svg, short_names, unit_axis

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
_COLUMNS = ("run", "answered", "p5", "p25", "p50 (median)", "p75", "p95", "mean", "least", "most")
_WIDE = 50.0  # least and most drawn so many times apart: the axis becomes logarithmic


@dataclass(frozen=True)
class Spread:
    """What is spread: the picture's name and title, the column of the record, its axis, and the scale of its values."""

    name: str
    title: str
    column: str
    axis: str
    scale: float = 1.0


@dataclass(frozen=True)
class Box:
    """A run's quantiles, in the unit of the axis: those of `SHARES`, shape (5,), and mean, least and most."""

    n: int
    quantiles: NDArray[np.float64]
    mean: float
    least: float
    most: float


SPREADS = (
    Spread("tokens", "Length of the replies", "output_tokens", "output tokens a reply"),
    Spread("latency", "Time to answer", "generation_ms", "time a reply (s)", 1e-3),
)


def draw(comparison: Comparison, spread: Spread) -> Figure | None:
    """None where no run has an answered sample with the quantity."""
    boxes = [box(comparison, spread, run) for run in range(len(comparison.runs))]
    if not any(boxes):
        return None
    unit = " (s)" if spread.scale != 1 else ""
    return Figure(
        name=spread.name,
        title=spread.title,
        caption=_caption(_is_wide(boxes)),
        svg=render_svg(spread.name, spread.title, 0.75 + 0.27 * len(boxes), lambda canvas: _draw(canvas, comparison, spread, boxes)),
        columns=[column if column in ("run", "answered") else column + unit for column in _COLUMNS],
        rows=[_row(name, each) for name, each in zip(comparison.names, boxes, strict=True)],
        run_ids=[run.run_id for run, each in zip(comparison.runs, boxes, strict=True) if each],
    )


def box(comparison: Comparison, spread: Spread, run: int) -> Box | None:
    """Over the answered samples of a run; None where there is none."""
    values = comparison.frame.numbers[spread.column][:, run]
    values = spread.scale * values[~np.isnan(comparison.frame.scores[:, run]) & np.isfinite(values)]
    if not len(values):
        return None
    return Box(len(values), np.quantile(values, SHARES), float(values.mean()), float(values.min()), float(values.max()))


def _is_wide(boxes: Sequence[Box | None]) -> bool:
    render_svg = np.concatenate([each.quantiles for each in boxes if each])
    return bool(render_svg.min() > 0 and render_svg.max() / render_svg.min() > _WIDE)


def _draw(canvas: Any, comparison: Comparison, spread: Spread, boxes: Sequence[Box | None]) -> None:
    axes = canvas.subplots()
    base = boxes[comparison.baseline]
    if _is_wide(boxes):
        axes.set_xscale("log")
    if base:
        axes.axvline(base.quantiles[2], color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    for row, each in enumerate(boxes):
        if each:
            _box(axes, each, row, is_base=row == comparison.baseline)
        else:
            axes.text(
                0.005,
                row,
                "no answered sample",
                transform=axes.get_yaxis_transform(),
                va="center",
                fontsize=8,
                style="italic",
                color="#333333",
            )
    axes.set(xlabel=spread.axis, ylim=(len(boxes) - 0.4, -0.6), yticks=range(len(boxes)))
    _ticks(axes, boxes)
    axes.set_yticklabels(short_names(comparison.names, 34))
    axes.get_yticklabels()[comparison.baseline].set_fontweight("bold")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _ticks(axes: Any, boxes: Sequence[Box | None]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    if _is_wide(boxes):
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        most = max(float(each.quantiles[-1]) for each in boxes if each)
        axes.set_xlim(0, 1.03 * most or 1.0)
    unit_axis(axes.xaxis, amount)


def _box(axes: Any, box: Box, row: int, *, is_base: bool) -> None:
    """A line from p5 to p95, a box from p25 to p75, a bar at the median."""
    low, first, middle, last, high = box.quantiles
    edge = "black" if is_base else COLOURS[0]
    ends = [low, low, np.nan, high, high, np.nan, low, first, np.nan, last, high]
    axes.plot(ends, [row - 0.14, row + 0.14, np.nan, row - 0.14, row + 0.14, np.nan, row, row, np.nan, row, row], color=edge, linewidth=1.0)
    axes.fill(
        [first, last, last, first],
        [row - 0.27, row - 0.27, row + 0.27, row + 0.27],
        facecolor=PALE if is_base else "#CFE4F3",
        edgecolor=edge,
        linewidth=0.9,
    )
    axes.plot([middle, middle], [row - 0.27, row + 0.27], color=edge, linewidth=2.4, solid_capstyle="butt")


def _row(name: str, box: Box | None) -> list[str]:
    if box is None:
        return [plain(name), "0", *["–"] * (len(_COLUMNS) - 2)]
    return [plain(name), count(box.n), *(amount(float(value)) for value in (*box.quantiles, box.mean, box.least, box.most))]


def _caption(is_wide: bool) -> str:
    scale = " The axis is logarithmic." if is_wide else ""
    return (
        "Over the answered questions of each run: the thick bar is the median, the box holds the middle half, the line 90 % (5th to 95th "
        "percentile); the dashed line is the baseline's median."
        + scale
        + " This is how questions differ, not how sure a median is: boxes that overlap do not mean that "
        "there is no difference; see the paired ratios."
    )
