"""Accuracy by the length of the video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vreason_tracking.comparison.comparison import Comparison, GroupResult
from vreason_tracking.presentation import (
    BASELINE,
    COLOURS,
    GREY,
    OVERLAID,
    Figure,
    LineStyle,
    count,
    intervals,
    legend,
    looks,
    panels,
    panels_height,
    percent,
    percent_interval,
    plain,
    render_svg,
    short_names,
    unit_axis,
)

_COLUMNS = ("video length", "questions", "videos", "run", "accuracy", "95 % interval", "answered")


def draw(comparison: Comparison) -> Figure | None:
    """None where videos of fewer than two lengths are told apart, or no question was answered."""
    groups = [group for group in comparison.groups if group.grouping == "video length"]
    if len(groups) < 2 or all(math.isnan(_value(group, run)) for group in groups for run in range(len(comparison.runs))):
        return None
    apart = len(comparison.runs) > OVERLAID
    title = "Accuracy by length of the video"
    height = panels_height(len(comparison.runs)) + 0.5 if apart else 4.0
    return Figure(
        name="accuracy_by_length",
        title=title,
        caption=_caption(apart),
        svg=render_svg("accuracy_by_length", title, height, lambda canvas: (_apart if apart else _together)(canvas, comparison, groups)),
        columns=_COLUMNS,
        rows=[_row(group, name, run) for group in groups for run, name in enumerate(comparison.names)],
        run_ids=[run.run_id for run in comparison.runs],
    )


def _value(group: GroupResult, run: int) -> float:
    estimate = group.results[run].accuracy.estimate
    return estimate.value if estimate else math.nan


def _together(canvas: Any, comparison: Comparison, groups: Sequence[GroupResult]) -> None:
    axes = canvas.subplots()
    runs = len(comparison.runs)
    step = min(0.8 / runs, 0.16)
    handles = [_series(axes, groups, run, look, step * (run - (runs - 1) / 2)) for run, look in enumerate(looks(runs, comparison.baseline))]
    _scale(axes, [f"{_wrapped(group.name)}\nn = {group.questions:,}" for group in groups])
    for edge in range(1, len(groups)):
        axes.axvline(edge - 0.5, color="#E6E6E6", linewidth=0.6, zorder=0)
    axes.set(xlabel="length of the video; n: questions", ylabel="accuracy")
    names = short_names(comparison.names, 40)
    legend(canvas, handles, names, 2 if max(map(len, names)) > 28 else 3)


def _apart(canvas: Any, comparison: Comparison, groups: Sequence[GroupResult]) -> None:
    names = short_names(comparison.names, 26)
    pale, dark = LineStyle(GREY, "", "s"), LineStyle(COLOURS[0], "", "o")
    grid = panels(canvas, len(names))
    _scale(grid[0], [f"{group.name} (n = {group.questions:,})" for group in groups])  # all share it
    for run, axes in enumerate(grid):
        if run == comparison.baseline:
            _series(axes, groups, run, LineStyle(BASELINE, "", "s"), 0.0, size=3.5)
        else:
            _series(axes, groups, comparison.baseline, pale, -0.14, size=2.5)
            _series(axes, groups, run, dark, 0.14, size=3.5)
        axes.set_title(names[run], fontweight="bold" if run == comparison.baseline else "normal")
        axes.tick_params(axis="x", labelrotation=90, labelsize=7)
    canvas.supylabel("accuracy", fontsize=9)


def _series(axes: Any, groups: Sequence[GroupResult], run: int, look: LineStyle, shift: float, size: float = 6.0) -> Any:
    places = [number + shift for number in range(len(groups))]
    intervals(axes, places, [group.results[run].accuracy.estimate for group in groups], color=look.colour, linewidth=size / 4.5)
    values = [_value(group, run) for group in groups]
    return axes.plot(
        places, values, linestyle="", marker=look.mark, color=look.colour, markersize=size, markeredgecolor="white", markeredgewidth=0.5
    )[0]


def _scale(axes: Any, labels: Sequence[str]) -> None:
    axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(-0.03, 1.03), yticks=(0, 0.25, 0.5, 0.75, 1))
    axes.set_xticks(range(len(labels)), labels)
    unit_axis(axes.yaxis, lambda value: f"{100 * value:g} %")


def _wrapped(name: str) -> str:
    return name.replace(" to ", "\nto ").replace(" and ", "\nand ").replace("below ", "below\n").replace("unknown ", "unknown\n")


def _row(group: GroupResult, name: str, run: int) -> list[str]:
    own = group.results[run].accuracy
    value = own.estimate.value if own.estimate else None
    return [
        group.name,
        count(group.questions),
        count(group.videos),
        plain(name),
        percent(value),
        percent_interval(own.estimate),
        count(own.answered),
    ]


def _caption(apart: bool) -> str:
    seen = "One panel a run, the baseline beside it in grey. " if apart else "Runs stand side by side within a length. "
    return (
        seen + "Points are accuracies over the answered questions, lines their 95 % intervals, which count questions about one video "
        "together; without a line there is a single video. Lengths also differ in their questions: a fall from one to the next is not "
        "the length's doing alone."
    )
