"""vreason.method.objectives: which way the entropy is pushed, and objectives of others."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vreason.method.objectives import make_objective

EMA, PEAK = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.5, 3.0])


@pytest.mark.parametrize(
    ("objective", "signs"),
    [("switch", [1.0, -1.0, 1.0]), ("none", [1.0, -1.0, 1.0]), ("min", [-1.0] * 3), ("max", [1.0] * 3)],
)
def test_alpha_is_plus_one_at_the_peak_and_minus_one_below(objective: Any, signs: list[float]) -> None:
    """`switch` explores where ema >= peak and exploits elsewhere; `min` and `max` do not look."""
    assert signs == make_objective(objective, 0).alpha(3, EMA, EMA, PEAK).tolist()


def test_random_signs_come_from_the_seed_and_not_from_the_neighbours() -> None:
    """Both signs occur; a seed repeats its own, another seed differs, and a row alone draws what it draws in a batch."""

    def drawn(seed: int, rows: int) -> list[list[float]]:
        switch = make_objective("random", seed)
        return [switch.alpha(3, EMA[:rows], EMA[:rows], PEAK[:rows]).tolist() for _ in range(40)]

    assert drawn(1, 3) == drawn(1, 3)
    assert drawn(1, 3) != drawn(2, 3)
    assert [signs[:1] for signs in drawn(1, 3)] == drawn(1, 1)
    assert {-1.0, 1.0} == {sign for signs in drawn(1, 3) for sign in signs}


def test_random_signs_leave_torchs_generator_alone() -> None:
    """Sampling draws the same tokens whatever the objective consumes."""
    before = torch.get_rng_state()
    make_objective("random", 0).alpha(0, EMA, EMA, PEAK)
    assert torch.equal(before, torch.get_rng_state())
