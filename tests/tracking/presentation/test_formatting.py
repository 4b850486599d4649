"""vreason_tracking.presentation.formatting: figures in words."""

from __future__ import annotations

import pytest

from vreason_tracking.presentation import formatting
from vreason_tracking.statistics.estimates import Estimate


def estimate(low, high):
    """An interval around nothing in particular."""
    return Estimate(0.5, low, high, 0.1, 20, 10)


@pytest.mark.parametrize(
    ("share", "told"),
    [(None, "–"), (0.0, "0.0 %"), (0.625, "62.5 %"), (1.0, "100.0 %"), (0.0004, "0.0 %")],
)
def test_shares(share, told) -> None:
    """One decimal, percent."""
    assert told == formatting.percent(share)


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (None, "–"),
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (-0.0004, "0.0"),
        (0.0004, "0.0"),
        (-0.0006, "−0.1"),
        (0.125, "+12.5"),
        (-0.125, "−12.5"),
        (1.0, "+100.0"),
    ],
)
def test_differences_have_a_sign_and_nothing_has_none(difference, told) -> None:
    """What rounds to nothing is neither more nor less; minus is a minus sign."""
    assert told == formatting.points(difference)


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (None, "–"),
        (1.0, "1.00"),
        (0.2, "0.20"),
        (0.1, "0.10"),
        (0.031, "0.031"),
        (0.001, "0.001"),
        (0.00099, "< 0.001"),
        (0.0, "< 0.001"),
        (0.05, "0.050"),
        (0.0501, "0.050"),
        (0.04999, "< 0.050"),
        (0.0494, "0.049"),
    ],
)
def test_p_values(p, told) -> None:
    """What is below the line of 0.05 never reads as 0.050, what is on it does."""
    assert told == formatting.p_value(p)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (0, "0"),
        (0.0213, "0.0213"),
        (32.5, "32.5"),
        (99.94, "99.9"),
        (99.96, "100"),
        (163.44, "163.4"),
        (999.94, "999.9"),
        (999.96, "1,000"),
        (1_204, "1,204"),
        (1.5e9, "1,500,000,000"),
        (1.234e-7, "1.2e-07"),
        (-3.0, "-3"),
    ],
)
def test_amounts(value, told) -> None:
    """Three digits at least, thousands apart, nothing that is there shown as nothing."""
    assert told == formatting.amount(value)


def test_quantities() -> None:
    """A share is a percentage, whatever else has a unit an amount."""
    assert ["–", "4.0 %", "0.04"] == [
        formatting.quantity(None, "share"),
        formatting.quantity(0.04, "share"),
        formatting.quantity(0.04, "ms"),
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (0.0, "× 0.00"),
        (0.84, "× 0.84"),
        (1.0, "× 1.00"),
        (0.0123, "× 0.012"),
        (1.5e-6, "× 1.5e-06"),
        (99.99, "× 99.99"),
        (99.996, "× 100"),
        (12_345.6, "× 12,346"),
    ],
)
def test_ratios(value, told) -> None:
    """A small ratio is not shown as none."""
    assert told == formatting.ratio(value)


@pytest.mark.parametrize(("low", "high"), [(None, 0.2), (0.1, None), (None, None)])
def test_an_interval_without_an_end_is_a_dash(low, high) -> None:
    """As is one that is not there."""
    for told in (formatting.percent_interval, formatting.points_interval, formatting.ratio_interval):
        assert ["–", "–"] == [told(estimate(low, high)), told(None)]


def test_intervals() -> None:
    """Ends in the words of their figures."""
    assert "54.2 to 70.1" == formatting.percent_interval(estimate(0.542, 0.701))
    assert "−4.2 to +8.1" == formatting.points_interval(estimate(-0.042, 0.081))
    assert "0.0 to +8.1" == formatting.points_interval(estimate(-0.0001, 0.081))
    assert "0.005 to 120" == formatting.ratio_interval(estimate(0.005, 120.2))


def test_memory_and_counts() -> None:
    """Bytes as GiB, things with thousands apart; zero is not a dash."""
    assert ["–", "16.71 GiB", "0.00 GiB"] == [formatting.gibibytes(each) for each in (None, 17_942_000_000, 0)]
    assert ["–", "0", "1,204"] == [formatting.count(each) for each in (None, 0, 1_204)]
