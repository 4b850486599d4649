"""Two one-sided tests of a paired difference: limits as statsmodels has them, and that too few questions never pass."""

from __future__ import annotations

import numpy as np
import pytest

from vreason_tracking.comparison import equivalence
from vreason_tracking.comparison.accuracy import Difference
from vreason_tracking.statistics import estimates


def difference(values: list[float], videos_differing: int = 50) -> Difference:
    """Of questions about one video each."""
    array = np.array(values)
    estimate = estimates.mean(array, np.arange(len(array)), (-1.0, 1.0))
    won, lost = int((array > 0).sum()), int((array < 0).sum())
    return Difference(estimate, won, lost, len(array) - won - lost, 0.5, 0.5, "", None, videos_differing)


def test_limits_are_those_of_tost() -> None:
    """statsmodels' t-based 90 % interval of a mean, for as many clusters as questions."""
    from statsmodels.stats.weightstats import DescrStatsW

    values = np.random.default_rng(3).choice([-1.0, 0.0, 1.0], 400, p=[0.1, 0.8, 0.1])
    found = equivalence(difference(list(values)), 0.1)
    low, high = DescrStatsW(values).tconfint_mean(alpha=0.10)
    assert (low, high) == pytest.approx((found.low, found.high), rel=1e-9)


def test_no_difference_shown_is_not_as_good() -> None:
    """The same spread of few questions leaves room for a loss, of many it does not."""
    few, many = [1.0, -1.0] + [0.0] * 18, ([1.0, -1.0] + [0.0] * 18) * 200
    assert not equivalence(difference(few), 0.02).no_worse
    assert equivalence(difference(many), 0.02).no_worse
    assert equivalence(difference(many), 0.02).equivalent


def test_better_is_no_worse_and_not_equivalent() -> None:
    """One side only."""
    found = equivalence(difference(([1.0] + [0.0] * 4) * 100), 0.02)
    assert (True, False) == (found.no_worse, found.equivalent)


def test_nothing_differed() -> None:
    """No spread is no certainty: of n videos none of which differed, 1 - 0.05^(1/n) may."""
    assert 1 - 0.05 ** (1 / 100) == pytest.approx(-(equivalence(difference([0.0] * 100)).low or 0))
    assert not equivalence(difference([0.0] * 100), 0.02).no_worse
    assert equivalence(difference([0.0] * 300), 0.02).no_worse


def test_few_videos_that_differ() -> None:
    """Limits that are too narrow are not relied on."""
    assert not equivalence(difference(([1.0, -1.0] + [0.0] * 18) * 200, videos_differing=4), 0.02).no_worse


def test_one_video() -> None:
    """Nothing can be concluded."""
    found = equivalence(difference([0.0]), 0.5)
    assert (None, None, False) == (found.low, found.high, found.no_worse)


def test_it_holds_its_level() -> None:
    """A run that is worse by exactly the margin passes in about 5 % of 2,000 trials."""
    rng = np.random.default_rng(0)
    passed = sum(equivalence(difference(list(rng.choice([-1.0, 0.0, 1.0], 300, p=[0.15, 0.8, 0.05]))), 0.1).no_worse for _ in range(2000))
    assert passed / 2000 == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.5])
def test_wrong_margins(margin: float) -> None:
    """They are named."""
    with pytest.raises(ValueError, match="margin"):
        equivalence(difference([0.0] * 10), margin)
