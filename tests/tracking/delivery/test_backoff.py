"""vreason_tracking.delivery.backoff: how long a store that is unavailable is left alone."""

from __future__ import annotations

import random
from itertools import pairwise
from statistics import fmean

import pytest

from vreason_tracking.delivery.backoff import FIRST, LONGEST, Backoff


class Fixed(random.Random):
    """Draws one number."""

    def __init__(self, value) -> None:
        super().__init__()
        self.value = value

    def random(self) -> float:
        return self.value


def test_twice_as_long_each_time() -> None:
    """Without jitter: 0.5 s, 1 s, 2 s and so on up to half a minute, where it stays."""
    backoff = Backoff(draw=Fixed(1.0))
    assert [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == [backoff.failed() for _ in range(8)]


@pytest.mark.parametrize("seed", range(20))
def test_within_bounds(seed) -> None:
    """Jitter takes up to half of a wait away, and never adds to it."""
    backoff = Backoff(draw=random.Random(seed))
    for number in range(100):
        whole = min(LONGEST, FIRST * 2**number)
        assert whole / 2 <= backoff.failed() <= whole


def test_many_runs_do_not_come_back_at_once() -> None:
    """The waits of a hundred runs are spread evenly over their half."""
    waits = sorted(Backoff(failures=3, draw=random.Random(seed)).failed() for seed in range(100))
    assert 100 == len(set(waits))
    assert 3.0 == pytest.approx(fmean(waits), abs=0.2)
    assert max(late - early for early, late in pairwise(waits)) < 0.2


def test_own_draws_without_a_seed() -> None:
    """Two runs that nobody gave a generator do not draw alike."""
    assert [Backoff().failed() for _ in range(5)] != [Backoff().failed() for _ in range(5)]


def test_an_answer_begins_anew() -> None:
    """After it worked, the next failure waits as little as the first."""
    backoff = Backoff(draw=Fixed(1.0))
    for _ in range(5):
        backoff.failed()
    backoff.worked()
    assert (0, 0.5, 1.0) == (backoff.failures, backoff.failed(), backoff.failed())


def test_for_ever() -> None:
    """After weeks of failures it still waits half a minute, and no number overflows."""
    assert LONGEST == Backoff(failures=10**6, draw=Fixed(1.0)).failed()


def test_bounds_of_ones_own() -> None:
    """First and longest wait can be chosen."""
    backoff = Backoff(first=0.1, longest=0.3, draw=Fixed(1.0))
    assert [0.1, 0.2, 0.3, 0.3] == [pytest.approx(backoff.failed()) for _ in range(4)]
