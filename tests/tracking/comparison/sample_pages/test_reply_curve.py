"""vreason_tracking.comparison.reply_curve: one reply's entropy as SVG."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from vreason_tracking.comparison.sample_pages.reply_curve import MOST_POINTS, reply_curve, scale_of


def steps_of(entropy, ema=None):
    averages = ema or [0.1 for _ in entropy]
    highest = [max(averages[: place + 1]) for place in range(len(averages))]
    return {"token_index": list(range(len(entropy))), "entropy": entropy, "ema": averages, "peak": highest}


def lines(svg):
    """Points of each polyline by class."""
    found = ElementTree.fromstring(svg).iter("polyline")
    return {line.attrib["class"]: [tuple(map(int, point.split(","))) for point in line.attrib["points"].split()] for line in found}


def test_every_point_of_a_short_reply() -> None:
    """Entropy and average, from the left end of the axis to the right, higher values further up; nats are as the axis says."""
    steps = steps_of([0.0, 2.0, 1.0], [0.0, 0.5, 0.5])
    drawn = lines(reply_curve(steps, 2, 2.0))
    assert [(34, 116), (213, 22), (392, 69)] == drawn["h"]
    assert [(34, 116), (213, 92), (392, 92)] == drawn["m"]


def test_axes() -> None:
    """Both are labelled, with their units, and the last peak of the average is marked with its token."""
    svg = reply_curve(steps_of([0.2] * 61, [0.1, *([0.5] * 30), *([0.2] * 30)]), 60, 3.0)
    assert ["0", "30", "60", "0", "1.5", "3", "token t", "nats", "last peak t = 30"] == re.findall("<text[^>]*>([^<]*)", svg)


def test_a_long_reply_keeps_its_spikes() -> None:
    """At most 200 points a line, with the highest token among them."""
    entropy = [0.1] * 5_000
    entropy[3_333] = 2.0
    drawn = lines(reply_curve(steps_of(entropy), 4_999, 2.0))
    assert [] == [name for name, points in drawn.items() if len(points) > MOST_POINTS]
    assert 22 == min(down for _, down in drawn["h"])
    assert [(34, 392)] * 2 == [(points[0][0], points[-1][0]) for points in drawn.values()]


@pytest.mark.parametrize("steps", [{}, steps_of([]), steps_of([math.nan, math.inf])])
def test_no_steps(steps) -> None:
    """There is no picture of nothing."""
    assert "" == reply_curve(steps, 1, 1.0)


def test_values_that_are_no_numbers() -> None:
    """They are left out of the lines, and do not widen the axes."""
    steps = steps_of([0.5, math.nan, math.inf, 1.2], [0.1] * 4)
    assert (3, 1.5) == scale_of([steps])
    assert 2 == len(lines(reply_curve(steps, 3, 1.5))["h"])


def test_one_scale_for_replies_side_by_side() -> None:
    """The longest reply and the highest entropy, rounded up to half a nat; something where there is nothing."""
    assert (3, 2.5) == scale_of([steps_of([0.1, 2.1]), steps_of([0.1] * 4), {}])
    assert (1, 0.5) == scale_of([{}])


def test_a_reply_of_one_token() -> None:
    """It is drawn."""
    assert [(34, 69)] == lines(reply_curve(steps_of([0.5]), 1, 1.0))["h"]


def test_same_steps_same_bytes() -> None:
    """Nothing random and no time is in it."""
    assert reply_curve(steps_of([0.3, 0.7]), 1, 1.0) == reply_curve(steps_of([0.3, 0.7]), 1, 1.0)
