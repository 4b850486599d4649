"""Explore and exploit along one sample's reply, of every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.evaluation import final_peak
from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.presentation import Figure, legend, plain, render_svg, short_names, shortened, whole_axis
from vreason_tracking.records import RunSteps

EXPLORE, EXPLOIT = "#E69F00", "#0072B2"
MOST_CELLS = 1_000
MOST_ROWS = 2_000
_COLUMNS = ("run", "phase", "first token", "last token", "updates", "EMA peak at token")
_TICK = 2.5  # points between two updates, at least, for a tick each


@dataclass(frozen=True)
class Ribbon:
    """A reply's phases.

    Attributes:
        tokens: token indices, shape (T,).
        explores: whether alpha is +1, shape (T,).
        updated: whether the controller was stepped, shape (T,).
        peak: token of the final EMA peak; None where no step has one.
    """

    tokens: NDArray[np.int64]
    explores: NDArray[np.bool_]
    updated: NDArray[np.bool_]
    peak: int | None


def draw(comparison: Comparison, steps: Sequence[RunSteps], sample_id: str) -> Figure | None:
    """None where no run has a step of the sample."""
    ribbons = [ribbon(each.samples.get(sample_id, {})) for each in steps]
    if all(each is None for each in ribbons):
        return None
    title = f"Explore and exploit along the reply to {shortened(sample_id, 60)}"
    rows = [row for name, each in zip(comparison.names, ribbons, strict=True) if each for row in _rows(name, each)]
    longest = max(each.tokens[-1] + 1 for each in ribbons if each)
    width = -(-int(longest) // MOST_CELLS)
    names = short_names(comparison.names, 30)
    return Figure(
        name="alpha",
        title=title,
        caption=_CAPTION,
        svg=render_svg("alpha", title, 0.9 + 0.36 * len(ribbons), lambda canvas: _draw(canvas, ribbons, names, width)),
        columns=_COLUMNS,
        rows=rows[:MOST_ROWS],
        run_ids=[run.run_id for run, each in zip(comparison.runs, ribbons, strict=True) if each],
        note=_note(width, len(rows)),
    )


def ribbon(columns: Mapping[str, Sequence[Any]]) -> Ribbon | None:
    """The phases of a sample's steps; None where there is none."""
    if not columns or not columns["token_index"]:
        return None
    return Ribbon(
        tokens=np.array(columns["token_index"], np.int64),
        explores=np.array([(value or 0) > 0 for value in columns["alpha"]]),
        updated=np.array([bool(value) for value in columns["updated"]]),
        peak=final_peak(zip(columns["token_index"], columns["ema"], columns["peak"], strict=True)),
    )


def cells(ribbon: Ribbon, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each `width` tokens as a cell: where it begins, and the share of its tokens that explore. Shape (m,) each."""
    index = ribbon.tokens // width
    first, start = np.unique(index, return_index=True)
    share = np.add.reduceat(ribbon.explores.astype(np.float64), start) / np.diff([*start, len(index)])
    return first * width, share


def _draw(canvas: Any, ribbons: Sequence[Ribbon | None], names: Sequence[str], width: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    axes = canvas.subplots()
    longest = max(int(each.tokens[-1]) + 1 for each in ribbons if each)
    for row, each in enumerate(ribbons):
        if each is None:
            axes.text(longest * 0.005, row, "no step recorded", va="center", color="#333333", fontsize=8, style="italic")
        else:
            _ribbon(axes, each, row, width, longest)
    axes.set(xlabel="generated token t", xlim=(-0.5, longest + 0.5), ylim=(len(ribbons) - 0.4, -0.65), yticks=range(len(names)))
    axes.set_yticklabels(names)
    whole_axis(axes)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    handles = [
        Patch(facecolor=EXPLORE, edgecolor="black", linewidth=0.3),
        Patch(facecolor=EXPLOIT, edgecolor="black", linewidth=0.3),
        Line2D([], [], color="black", linewidth=0.7, marker="|", markersize=6, linestyle=""),
        Line2D([], [], color="black", marker="v", markersize=6, markeredgecolor="white", linestyle=""),
    ]
    legend(canvas, handles, ["explore (α = +1)", "exploit (α = −1)", "update of ΔV", "final EMA peak: macro-exploitation begins"], 4)


def _ribbon(axes: Any, ribbon: Ribbon, row: int, width: int, longest: int) -> None:
    """Dark from the first to the last token, the exploring share of it light, from the bottom; below it the updates."""
    first, share = cells(ribbon, width)
    last = np.minimum(first + width, ribbon.tokens[-1] + 1)
    top, bottom, foot = row - 0.28, row + 0.18, row + 0.32
    axes.fill_between([ribbon.tokens[0], ribbon.tokens[-1] + 1], top, bottom, color=EXPLOIT, linewidth=0)
    starts = np.flatnonzero(np.diff(share, prepend=-1.0))
    ends = np.append(starts[1:], len(share)) - 1
    light = share[starts] > 0
    edges = np.column_stack([first[starts], first[starts], last[ends], last[ends]])[light].ravel()
    heights = np.outer(share[starts][light], [0, 1, 1, 0]).ravel()
    axes.fill(edges, bottom - heights * (bottom - top), color=EXPLORE, linewidth=0)
    _updates(axes, ribbon.tokens[ribbon.updated], bottom + 0.04, foot, longest)
    if ribbon.peak is not None:
        axes.plot([ribbon.peak + 0.5], [top - 0.06], marker="v", color="black", markersize=6, markeredgecolor="white", markeredgewidth=0.6)
    told = f"{int(ribbon.updated.sum()):,} updates" if ribbon.updated.any() else "no update"
    axes.text(1.005, row, told, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color="#333333")


def _updates(axes: Any, tokens: NDArray[np.int64], top: float, foot: float, longest: int) -> None:
    """A tick each; a band where they would touch."""
    if len(tokens) > 1 and np.diff(tokens).min() / longest * 480 < _TICK:
        axes.plot([tokens[0], tokens[-1] + 1], [(top + foot) / 2] * 2, color="black", linewidth=1.2, solid_capstyle="butt")
    elif len(tokens):
        places = np.repeat(tokens + 0.5, 3)
        axes.plot(places, np.tile([top, foot, np.nan], len(tokens)), color="black", linewidth=0.7)


def _rows(name: str, ribbon: Ribbon) -> list[list[str]]:
    """One row a stretch of the same phase."""
    found, peak, name = [], "–" if ribbon.peak is None else str(ribbon.peak), plain(name)
    for explores, places in groupby(range(len(ribbon.tokens)), lambda at: bool(ribbon.explores[at])):
        stretch = list(places)
        updates = int(ribbon.updated[stretch].sum())
        ends = [str(ribbon.tokens[stretch[0]]), str(ribbon.tokens[stretch[-1]])]
        found.append([name, "explore" if explores else "exploit", *ends, str(updates), peak])
    return found


def _note(width: int, rows: int) -> str:
    told = []
    if width > 1:
        told.append(f"{width} tokens share a column; its light part is the share of them that explore.")
    if rows > MOST_ROWS:
        told.append(f"The table holds the first {MOST_ROWS:,} of {rows:,} stretches.")
    return " ".join(told)


_CAPTION = (
    "One ribbon a run, one column a token: light where the controller would raise the entropy (explore), dark where it would lower it "
    "(exploit). A run without a controller has no updates: its phases are those of its own moving average, and nothing acts on them. A "
    "line instead of ticks: updates too close to tell apart. This is one reply; it does not show what is usual."
)
