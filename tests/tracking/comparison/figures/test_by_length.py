"""vreason_tracking.comparison.figures.by_length: accuracy by the length of the video."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import records
from tests.helpers.compared import recorded, trio
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.figures.by_length import draw
from vreason_tracking.presentation.formatting import percent, percent_interval


def test_rows_are_the_groups(tmp_path) -> None:
    """One a length and run, shortest first, with the comparison's own figures."""
    comparison = compare(trio(tmp_path))
    groups = [group for group in comparison.groups if group.grouping == "video length"]
    expected = [
        [group.name, str(group.questions), str(group.videos), name, percent(own.value), percent_interval(own), "12"]
        for group in groups
        for name, own in zip(comparison.names, [each.accuracy.estimate for each in group.results], strict=True)
    ]
    assert expected == [list(row) for row in draw(comparison).rows]
    assert 12 == len(expected)


def test_questions_are_counted_on_the_axis(tmp_path) -> None:
    """Each group on the axis says how many questions it has."""
    assert 4 == draw(compare(trio(tmp_path))).svg.count(">n = 12</text>")


@pytest.mark.parametrize("seconds", [3.0, None])
def test_a_single_length_is_no_picture(tmp_path, seconds: float | None) -> None:
    """Nor are videos of unknown length."""
    samples = [(records.sample(f"s-{number}", video_seconds=seconds), ()) for number in range(4)]
    assert draw(compare([recorded(tmp_path, name, samples) for name in ("a", "b")])) is None


def test_nobody_answered_no_picture(tmp_path) -> None:
    """Without an answer there is no picture."""
    samples = [(replace(records.failed(f"s-{number}"), video_seconds=float(5 * number)), ()) for number in range(4)]
    assert draw(compare([recorded(tmp_path, name, samples) for name in ("a", "b")])) is None


def test_many_runs_have_a_panel_each(thirty) -> None:
    """More runs than fit into one panel are drawn in panels."""
    comparison, _ = thirty
    figure = draw(comparison)
    assert all(f">{name}</text>" in figure.svg for name in comparison.names)
    assert figure.caption.startswith("One panel a run")
