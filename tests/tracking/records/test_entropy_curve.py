"""vreason_tracking.records.entropy_curve: mean entropy by token index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers import records
from vreason_tracking.records.entropy_curve import EntropyCurve


def curve_of(lengths):
    curve = EntropyCurve()
    for number, length in enumerate(lengths):
        curve.add(records.steps(f"s-{number}", length))
    return curve


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6))
@settings(deadline=None)
def test_means_over_the_samples_that_got_there(lengths) -> None:
    """At every token: mean and standard deviation of entropy, and mean EMA, of exactly the samples that reached it."""
    curve = curve_of(lengths)
    replies = [records.steps(f"s-{number}", length) for number, length in enumerate(lengths)]
    there = [[reply[t] for reply in replies if len(reply) > t] for t in range(max(lengths))]
    assert [len(steps) for steps in there] == list(curve.count)
    assert [np.mean([step.entropy for step in steps]) for steps in there] == pytest.approx(list(curve.mean_entropy))
    assert [np.mean([step.ema for step in steps]) for steps in there] == pytest.approx(list(curve.mean_ema))
    assert [np.std([step.entropy for step in steps]) for steps in there] == pytest.approx(list(curve.deviation), abs=1e-7)


def test_blocks_add_up() -> None:
    """A reply told in blocks makes the same curve as one told at once."""
    whole, parts = EntropyCurve(), EntropyCurve()
    reply = records.steps(count=20)
    whole.add(reply)
    for start in range(0, 20, 6):
        parts.add(reply[start : start + 6])
    assert list(whole.mean_entropy) == list(parts.mean_entropy)
    assert [1.0] * 20 == list(parts.count)


def test_samples_side_by_side() -> None:
    """The steps of two samples of a batch in one block count as two samples."""
    mixed = [step for pair in zip(records.steps("s-0", 5), records.steps("s-1", 5), strict=True) for step in pair]
    curve = EntropyCurve()
    curve.add(mixed)
    assert [2.0] * 5 == list(curve.count)
    assert list(curve_of([5, 5]).mean_entropy) == pytest.approx(list(curve.mean_entropy))


def test_no_steps() -> None:
    """Nothing in, nothing out, and no warning of a division by zero."""
    curve = curve_of([0])
    assert ([], [], []) == (list(curve.mean_entropy), list(curve.deviation), list(curve.mean_ema))


def test_size_is_the_longest_replys() -> None:
    """Many samples take no more room than one."""
    assert 7 == len(curve_of([7] * 50).count)
