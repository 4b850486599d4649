"""What every picture is drawn with: matplotlib's settings, intervals, a key, and panels for many runs."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from vreason_tracking.presentation.entropy_plot import legend_with
from vreason_tracking.presentation.svg import page_svg
from vreason_tracking.statistics import Estimate

WIDTH = 9.0
"""Of every picture, inches; 72 of its units each."""
GREY, PALE = "#6B6B6B", "#D9D9D9"
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.labelcolor": "#333333",
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "image.composite_image": False,
    "path.simplify": False,
}
_NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}
_PANELS_ACROSS, _FEW_ACROSS = 5, 3


def render_svg(name: str, title: str, height: float, draw: Callable[[Any], None]) -> str:
    """A picture as SVG; the same input gives the same bytes, whatever the user's own settings of matplotlib.

    Args:
        name, title: of the picture.
        height: inches.
        draw: puts everything on the empty figure it is given; its parts find their places by themselves.
    """
    from matplotlib import style
    from matplotlib.figure import Figure as Canvas

    text = io.StringIO()
    with style.context(["default", _STYLE, {"svg.hashsalt": name}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a name in emoji: the browser has the letters, matplotlib only measures
        canvas = Canvas(figsize=(WIDTH, height), layout="constrained")
        draw(canvas)
        canvas.savefig(text, format="svg", metadata=_NOTHING)
    return page_svg(text.getvalue(), name, title)


def legend(canvas: Any, handles: Sequence[Any], labels: Sequence[str], columns: int) -> None:
    """The key of a whole picture, above it."""
    legend_with(canvas, handles, labels, loc="outside upper left", ncols=columns, borderaxespad=0.2, handlelength=2.8)


def intervals(
    axes: Any, places: Sequence[float], estimates: Sequence[Estimate | None], *, across: bool = False, scale: float = 1.0, **look: Any
) -> None:
    """Each estimate's interval as a line at its place, upright or `across`, with a bar at either end; none where there is no interval."""
    along: list[float] = []
    fixed: list[float] = []
    for index, estimate in zip(places, estimates, strict=True):
        if estimate is not None and estimate.low is not None and estimate.high is not None:
            along += [scale * estimate.low, scale * estimate.high, float("nan")]
            fixed += [index] * 3
    if along:
        ends = {"marker": "|" if across else "_", "markersize": 4, "markeredgewidth": look.get("linewidth", 1.0)}
        axes.plot(*((along, fixed) if across else (fixed, along)), **ends, **look)


def panels(canvas: Any, count: int) -> list[Any]:
    """Small axes of the same scales, one a run; only the outer ones carry numbers."""
    across, down = _grid(count)
    canvas.get_layout_engine().set(wspace=0.04)
    grid = canvas.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid:
        axes.tick_params(labelsize=7.5)
    for axes in grid[count:]:
        axes.set_axis_off()
    for index in range(count - across, count):  # above a gap in the last row, too
        grid[index].tick_params(labelbottom=True)
    return list(grid[:count])


def panels_height(count: int, more: float = 0.0) -> float:
    """Of a picture of so many panels, inches; `more` for each row of them."""
    return (1.45 + more) * _grid(count)[1] + 0.8


def _grid(count: int) -> tuple[int, int]:
    """Panels across and down: wide ones of a few runs, and rows as full as may be."""
    most = _FEW_ACROSS if count <= 2 * _FEW_ACROSS else _PANELS_ACROSS
    down = -(-count // most)
    return -(-count // down), down


def unit_axis(axis: Any, form: Callable[[float], str]) -> None:
    """Numbers of an axis in a form for readers."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))


def whole_axis(axes: Any) -> None:
    """Whole numbers below: tokens, questions."""
    axes.xaxis.get_major_locator().set_params(integer=True)
    unit_axis(axes.xaxis, lambda value: f"{value:,.0f}")
