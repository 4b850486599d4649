"""Drawing tokens: a row with a seed of its own beside the same row alone and beside torch's generator, and what comes without seeds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from vreason.errors import ConfigError
from vreason.generation.sampling import TokenSampler

CPU = torch.device("cpu")
VOCABULARY = 700
SEEDS = [3, 2**40 + 3, 2**63 - 1, 0]


def distributions(rows: int, steps: int = 60) -> torch.Tensor:
    """For each step a batch of next-token distributions, shape (steps, rows, VOCABULARY), float32, some tokens impossible."""
    logits = torch.randn(steps, rows, VOCABULARY, generator=torch.Generator().manual_seed(0)) * 2
    logits[..., ::7] = -torch.inf
    return torch.softmax(logits, dim=-1)


def drawn(seeds: Sequence[int] | None, steps: torch.Tensor) -> list[list[int]]:
    """Tokens of each row, step after step."""
    sampler = TokenSampler(seeds, steps.shape[1], CPU)
    return torch.stack([sampler.draw(batch) for batch in steps], dim=1).tolist()


def test_a_row_draws_what_it_draws_alone() -> None:
    """In every order of the rows, and with any of them left out, each draws what it draws alone; rows of equal seeds too."""
    steps, seeds = distributions(4), [*SEEDS[:3], SEEDS[0]]
    alone = [drawn([seed], steps[:, row : row + 1])[0] for row, seed in enumerate(seeds)]
    for count in (2, 3, 4):
        for rows in itertools.permutations(range(4), count):
            assert [alone[row] for row in rows] == drawn([seeds[row] for row in rows], steps[:, rows])


@pytest.mark.parametrize("seed", SEEDS)
def test_alone_it_is_torch_s_own_generator_after_manual_seed(seed: int) -> None:
    """A row alone with seed s draws what plain `generate` would after ``torch.manual_seed(s)``."""
    steps = distributions(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        assert [torch.multinomial(batch, 1).item() for batch in steps] == drawn([seed], steps)[0]


def test_seeds_leave_torch_s_generator_alone() -> None:
    """With seeds torch's generator is neither read nor moved: its state is the same after, and another state changes nothing."""
    steps = distributions(2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        before, first = torch.get_rng_state(), drawn(SEEDS[:2], steps)
        assert torch.equal(before, torch.get_rng_state())
        torch.manual_seed(6)
        assert first == drawn(SEEDS[:2], steps)


def test_without_seeds_the_batch_shares_torch_s_generator() -> None:
    """Without seeds the draws are those of one call of torch's for the whole batch, as in plain `generate`."""
    steps = distributions(3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        plain = torch.stack([torch.multinomial(batch, 1)[:, 0] for batch in steps], dim=1).tolist()
        torch.manual_seed(5)
        assert plain == drawn(None, steps)


def test_draws_follow_the_distribution() -> None:
    """Of 4,000 draws a row, each token's share is its probability within five standard errors, and an impossible one never comes."""
    p = torch.tensor([[0.5, 0.25, 0.2, 0.05, 0.0], [0.0, 0.1, 0.1, 0.1, 0.7]])
    found = [np.bincount(row, minlength=5) / 4_000 for row in drawn([1, 2], p.expand(4_000, 2, 5))]
    error = torch.sqrt(p * (1 - p) / 4_000)
    for row, expected, within in zip(found, p.tolist(), error.tolist(), strict=True):
        assert all(abs(share - probability) <= 5 * deviation for share, probability, deviation in zip(row, expected, within, strict=True))


@pytest.mark.parametrize("seeds", [[], [1], [1, 2, 3, 4]], ids=len)
def test_every_row_needs_a_seed(seeds: list[int]) -> None:
    """Too few or too many seeds for three rows raise ConfigError at `row_seeds`, which counts both."""
    with pytest.raises(ConfigError) as caught:
        TokenSampler(seeds, 3, CPU)
    (fault,) = caught.value.issues
    assert "row_seeds" == fault.path
    assert f"{len(seeds)} seed(s) for 3 row(s)" in fault.message


def test_every_wrong_seed_is_named() -> None:
    """What is no whole number from 0 to 2**63 - 1 is reported by its row, all at once."""
    wrong: list[Any] = [5, -1, 2**63, 1.5, "7", None]
    with pytest.raises(ConfigError) as caught:
        TokenSampler(wrong, 6, CPU)
    assert [f"row_seeds[{row}]" for row in range(1, 6)] == [fault.path for fault in caught.value.issues]
    assert all(repr(value) in fault.message for value, fault in zip(wrong[1:], caught.value.issues, strict=True))


def test_numpy_s_whole_numbers_are_seeds() -> None:
    """Seeds out of a numpy or torch array serve as their value."""
    steps, seeds = distributions(2), [7, 2**62]
    expected = drawn(seeds, steps)
    assert expected == drawn(np.array(seeds), steps)  # type: ignore[arg-type]
    assert expected == drawn(torch.tensor(seeds), steps)  # type: ignore[arg-type]
