"""The paper's Figure 1: mean entropy and its moving average by token, of every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.presentation import (
    BASELINE,
    COLOURS,
    GREY,
    Figure,
    LineStyle,
    legend,
    looks,
    panels,
    panels_height,
    plain,
    render_svg,
    short_names,
    whole_axis,
)
from vreason_tracking.records import EntropyCurve, RunSteps

POINTS, POINTS_IN_PANEL = 200, 80
_OVERLAID = 4  # bands of more runs hide each other: each has a panel of its own
_LONG = 64  # letters of a label that leaves no room beside it
_PEAKS_LINE = 0.15  # inches, below a panel's name
_COLUMNS = ("run", "tokens", "steps", "mean entropy (nats)", "sd (nats)", "mean EMA (nats)", "samples' own EMA peaks, median token")


@dataclass(frozen=True)
class Line:
    """A run's curve as it is drawn.

    Attributes:
        name: of the run.
        short: the same for the picture.
        width: tokens joined to a point.
        first: token at which each point begins, shape (m,).
        curve: sums over each point's tokens and samples.
        tokens: tokens drawn.
        peak, height: the token at which the mean EMA is highest among those that half of the samples reached, and how high, nats; None
            where no EMA is finite.
        own_peaks: median over the answered samples of the token of their own final EMA peak; None where no sample has one.
    """

    name: str
    short: str
    width: int
    first: NDArray[np.int64]
    curve: EntropyCurve
    tokens: int
    peak: int | None
    height: float
    own_peaks: float | None = None

    @property
    def middle(self) -> NDArray[np.float64]:
        """Of each point's tokens, shape (m,)."""
        return (self.first + np.minimum(self.first + self.width, self.tokens) - 1) / 2


def draw(comparison: Comparison, steps: Sequence[RunSteps]) -> Figure | None:
    """None where no run has a step."""
    present = [run for run, each in enumerate(steps) if len(each.curve.count)]
    if not present:
        return None
    apart = len(present) > _OVERLAID
    shorts = short_names(comparison.names, 26 if apart else 40)
    points = POINTS_IN_PANEL if apart else POINTS
    lines = [
        replace(line(steps[run].curve, points, comparison.names[run], shorts[run]), own_peaks=own_peaks(comparison, run)) for run in present
    ]
    base = present.index(comparison.baseline) if comparison.baseline in present else -1
    title = "Entropy along the reply"
    height = panels_height(len(lines), _PEAKS_LINE) if apart else 4.2
    return Figure(
        name="entropy",
        title=title,
        caption=_caption(apart and base >= 0),
        svg=render_svg("entropy", title, height, lambda canvas: (_apart if apart else _together)(canvas, lines, base)),
        columns=_COLUMNS,
        rows=[row for each in lines for row in _rows(each)],
        run_ids=[comparison.runs[run].run_id for run in present],
        note=_note(lines),
    )


def line(curve: EntropyCurve, points: int, name: str, short: str) -> Line:
    """A curve of at least one step, thinned to `points` by joining neighbouring tokens; its peak is that of the whole curve."""
    tokens = curve.shown_tokens()
    width = -(-tokens // points)
    first = np.arange(0, tokens, width)
    sums = (curve.count, curve.entropy, curve.square, curve.ema)
    joined = EntropyCurve(*(np.add.reduceat(each[:tokens], first) for each in sums))
    with np.errstate(invalid="ignore", divide="ignore"):
        ema = curve.mean_ema[:tokens]
    peak = curve.peak_token
    return Line(name, short, width, first, joined, tokens, peak, float(ema[peak]) if peak is not None else float("nan"))


def own_peaks(comparison: Comparison, run: int) -> float | None:
    """Median over a run's answered samples of the token of their own final EMA peak; None where no sample has one."""
    tokens = comparison.frame.numbers["peak_token"][:, run]
    present = tokens[np.isfinite(tokens) & ~np.isnan(comparison.frame.scores[:, run])]
    return float(np.median(present)) if len(present) else None


def values(line: Line) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean entropy, its deviation and mean EMA of each point, nats; NaN where one is not finite. Shape (m,) each."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, spread, ema = (
            np.where(np.isfinite(each), each, np.nan) for each in (line.curve.mean_entropy, line.curve.deviation, line.curve.mean_ema)
        )
    return mean, spread, ema


def _together(canvas: Any, lines: Sequence[Line], base: int) -> None:
    axes = canvas.subplots()
    handles = []
    for each, look in zip(lines, looks(len(lines), base), strict=True):
        handles.append(_line(axes, each, look))
    axes.set(xlabel="generated token t", ylabel="entropy (nats)")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    whole_axis(axes)
    labels = [_label(each) for each in lines]
    legend(canvas, handles, labels, 1 if max(map(len, labels)) > _LONG else 2)


def _label(line: Line) -> str:
    """The name, where the mark is, and where single samples have theirs."""
    mark = [] if line.peak is None else [f"EMA peaks at token {line.peak}"]
    own = [] if line.own_peaks is None else [f"samples' own peaks: median t = {line.own_peaks:g}"]
    return f"{line.short}: {'; '.join([*mark, *own])}" if mark or own else line.short


def _apart(canvas: Any, lines: Sequence[Line], base: int) -> None:
    grid = panels(canvas, len(lines))
    for number, (axes, each) in enumerate(zip(grid, lines, strict=True)):
        if base >= 0 and number != base:
            axes.plot(lines[base].middle, values(lines[base])[2], color=GREY, linewidth=0.9, linestyle=(0, (4, 1.5)))
        _line(axes, each, LineStyle(BASELINE if number == base else COLOURS[0], "-", "o"), weight=1.4)
        own = "no peak" if each.own_peaks is None else f"own peaks: median t = {each.own_peaks:g}"
        axes.set_title(f"{each.short}\n{own}", fontweight="bold" if number == base else "normal")
        axes.margins(x=0.02)
    grid[0].set_ylim(bottom=0)  # all share it
    whole_axis(grid[0])
    canvas.supxlabel("generated token t", fontsize=9)
    canvas.supylabel("entropy (nats)", fontsize=9)


def _line(axes: Any, line: Line, look: LineStyle, weight: float = 2.0) -> Any:
    colour = look.colour
    mean, spread, ema = values(line)
    axes.fill_between(line.middle, np.maximum(mean - spread, 0), mean + spread, color=colour, alpha=0.11, linewidth=0)
    axes.plot(line.middle, mean, color=colour, linewidth=0.6, alpha=0.6)
    thick = axes.plot(line.middle, ema, color=colour, linewidth=weight, linestyle=look.line)
    if line.peak is not None:
        axes.plot([line.peak], [line.height], marker=look.mark, color=colour, markeredgecolor="white", markersize=4 + 1.5 * weight)
    return thick[0]


def _caption(base_everywhere: bool) -> str:
    base = " The baseline's moving average is dashed grey in every panel." if base_everywhere else ""
    return (
        "Thin: mean entropy of the next token over the samples that got so far, with a band of one standard deviation of single samples "
        "(no interval of the mean). Thick: its mean moving average (EMA), the mark its peak among the tokens that at least half of the "
        f"samples reached.{base} Samples' own peaks: where each answered sample's own EMA was highest for the last time; a mean of curves "
        "may peak where hardly one of them does. Drawn while at least a tenth of the samples is left. Later tokens are those of the longer "
        "replies only: a falling curve alone does not show that a reply grows surer."
    )


def _note(lines: Sequence[Line]) -> str:
    widest = max(each.width for each in lines)
    return (
        f"Thinned: a point is the mean over up to {widest} neighbouring tokens; peaks are those of the whole curves." if widest > 1 else ""
    )


def _rows(line: Line) -> list[list[str]]:
    name, figures = plain(line.name), values(line)
    last = np.minimum(line.first + line.width, line.tokens) - 1
    tokens = [f"{a}" if a == b else f"{a} to {b}" for a, b in zip(line.first.tolist(), last.tolist(), strict=True)]
    cells = zip(*(["–" if np.isnan(value) else f"{value:.4f}" for value in column] for column in figures), strict=True)
    own = "–" if line.own_peaks is None else f"{line.own_peaks:g}"
    return [[name, token, f"{count:,.0f}", *cell, own] for token, count, cell in zip(tokens, line.curve.count, cells, strict=True)]
