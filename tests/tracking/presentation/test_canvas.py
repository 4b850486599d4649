"""vreason_tracking.presentation.canvas: what every picture is drawn with."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure as Canvas

from vreason_tracking.presentation.canvas import intervals, legend, panels, panels_height, render_svg
from vreason_tracking.statistics.estimates import Estimate


def line(canvas: Any) -> None:
    handle = canvas.subplots().plot([0, 1], [0, 1])[0]
    legend(canvas, [handle], ["_first $x$"], 1)


def test_same_bytes_under_other_settings() -> None:
    """A user's own matplotlibrc changes nothing, and is as it was afterwards."""
    usual = render_svg("a", "t", 2.0, line)
    with matplotlib.rc_context({"font.size": 20, "svg.fonttype": "path", "lines.linewidth": 9, "axes.facecolor": "red"}):
        assert usual == render_svg("a", "t", 2.0, line)
        assert 20 == matplotlib.rcParams["font.size"]


def test_a_key_keeps_every_label() -> None:
    """Matplotlib drops those that begin with an underscore, and reads what stands between dollars as a formula."""
    assert "_first $x$</text>" in render_svg("a", "t", 2.0, line)


def test_letters_that_matplotlib_lacks_do_not_warn() -> None:
    """A run's name in any script draws without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "🎥 视频</text>" in render_svg("a", "t", 2.0, lambda canvas: canvas.subplots().set_title("🎥 视频"))


def test_intervals_are_drawn_where_there_is_one() -> None:
    """One line from low to high a place; an estimate from a single video has none."""
    axes = Canvas().subplots()
    intervals(axes, [1.0, 2.0, 3.0], [Estimate(0.5, 0.25, 0.75, 0.1, 9, 3), Estimate(0.5, None, None, None, 9, 1), None])
    (line,) = axes.lines
    assert [1.0, 1.0] == list(line.get_xdata())[:2]
    assert [0.25, 0.75] == list(line.get_ydata())[:2]
    assert 3 == len(line.get_xdata())


def test_no_interval_no_line() -> None:
    """A value without an interval is a point alone."""
    axes = Canvas().subplots()
    intervals(axes, [1.0], [None])
    assert 0 == len(axes.lines)


def test_as_many_panels_as_runs() -> None:
    """Places without a run are empty, and the panels above them carry the numbers of the axis."""
    canvas = Canvas(layout="constrained")
    found = panels(canvas, 7)
    assert 7 == len(found)
    assert 7 == sum(axes.axison for axes in canvas.axes)
    assert found[3].xaxis.get_tick_params()["labelbottom"]


@pytest.mark.parametrize(("runs", "rows"), [(1, (1,)), (3, (3,)), (5, (3, 2)), (6, (3, 3)), (7, (4, 3)), (11, (4, 4, 3)), (30, (5,) * 6)])
def test_rows_of_panels_are_filled_evenly(runs: int, rows: tuple[int, ...]) -> None:
    """No run stands alone in the last row; the picture's height grows with the rows."""
    found = [axes.get_subplotspec() for axes in panels(Canvas(layout="constrained"), runs)]
    assert rows == tuple(Counter(each.rowspan.start for each in found).values())
    assert (1.45 + 0.1) * len(rows) + 0.8 == pytest.approx(panels_height(runs, 0.1))
