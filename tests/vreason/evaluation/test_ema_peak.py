"""vreason.evaluation.ema_peak: where the average has its final peak, by one rule for records, reports and pictures."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, strategies as st

from tests.helpers.records import steps
from vreason.evaluation import final_peak, final_peak_of_average
from vreason.evaluation.ema_peak import final_peak_token

AVERAGES = st.lists(st.floats(0, 20) | st.sampled_from([1.0, 2.0]), max_size=40)


@pytest.mark.parametrize(
    ("averages", "expected"),
    [([], None), ([0.5], 0), ([0.1, 0.3, 0.2], 1), ([0.1, 0.3, 0.2, 0.3, 0.2], 3), ([3.0, 2.0, 1.0], 0), ([1.0, 1.0], 1), ([0.0, 0.0], 1)],
)
def test_the_peak_is_the_last_highest(averages: list[float], expected: int | None) -> None:
    """The last token at which the average was the highest yet, equally high included; none without a token."""
    assert expected == final_peak_of_average(enumerate(averages))


@given(AVERAGES)
def test_it_is_the_last_place_of_the_greatest_value(averages: list[float]) -> None:
    """With and without the running maximum at hand, it is where a look from behind finds the maximum first."""
    expected = len(averages) - 1 - averages[::-1].index(max(averages)) if averages else None
    points = list(zip(range(len(averages)), averages, accumulate(averages, max), strict=True))
    assert expected == final_peak_of_average(enumerate(averages)) == final_peak(points)


def test_tokens_keep_their_own_numbers() -> None:
    """A curve of which only every fifth token was kept names the token, not its place in the list."""
    assert 10 == final_peak_of_average([(0, 0.1), (5, 0.2), (10, 0.4), (15, 0.3)])


def test_points_without_a_figure_are_passed_over() -> None:
    """A store that lacks one of the two figures of a token, or both, tells nothing of that token."""
    assert 1 == final_peak([(0, 0.1, 0.1), (1, 0.2, 0.2), (2, None, 0.2), (3, 0.9, None), (4, None, None)])
    assert final_peak([(0, None, None)]) is None


def test_the_running_maximum_is_believed() -> None:
    """A curve that begins in the middle of a reply has had its peak before: no token of it is one."""
    assert final_peak([(8, 0.3, 0.7), (9, 0.4, 0.7)]) is None


def test_of_a_reply_s_steps() -> None:
    """The same of step records, which have token, average and maximum."""
    reply = steps("s-1", 30)
    assert final_peak((step.token_index, step.ema, step.peak) for step in reply) == final_peak_token(reply)
    assert max(step.token_index for step in reply if step.ema == step.peak) == final_peak_token(reply)
    assert final_peak_token([]) is None
