"""vreason_tracking.comparison.figures.pareto: runs of which no other is at least as good in both and better in one."""

from __future__ import annotations

from vreason_tracking.comparison.figures.pareto import pareto_front


def test_front_is_cheapest_first() -> None:
    """Dearer and no better is beaten; dearer and better is not."""
    assert [2, 0, 3] == pareto_front([0.6, 0.55, 0.5, 0.9, 0.8], [20, 30, 10, 40, 50])


def test_equal_accuracy_at_a_higher_cost_is_beaten() -> None:
    """A run as accurate as another and dearer is not on the front."""
    assert [1] == pareto_front([0.6, 0.6], [20, 10])


def test_equal_cost_at_a_lower_accuracy_is_beaten() -> None:
    """A run as cheap as another and less accurate is not on the front."""
    assert [0] == pareto_front([0.7, 0.6], [10, 10])


def test_twins_stand_both_on_the_front() -> None:
    """Neither is better than the other in anything."""
    assert [0, 2] == pareto_front([0.6, 0.5, 0.6], [10, 10, 10])


def test_no_run_no_front() -> None:
    """Without a run the front is empty."""
    assert [] == pareto_front([], [])
