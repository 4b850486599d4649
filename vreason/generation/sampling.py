"""Draws each row's next token: from one generator for the whole batch, as `generate` does, or from a generator of the row's own.

With a seed a row, what a row draws depends on its own distribution and on nothing else: neither on its neighbours, nor on how many there
are, nor on which of them have ended.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Sequence
from typing import Any

import torch

from vreason.errors import ConfigError, ConfigIssue

_SEEDS = 2**63  # as everywhere in the settings


class TokenSampler:
    """Draws from the distributions of a batch.

    Args:
        seeds: one a row. A row seeded s draws what a batch of that row alone draws on the same device after ``torch.manual_seed(s)``, and
            torch's own generators are neither read nor moved. None: all rows share the device's own generator, which nobody seeds here.
        rows: size of the batch, `num_return_sequences` included.
        device: where the distributions lie; a generator belongs to one device.

    Raises:
        ConfigError: `seeds` has another length than `rows`, or holds something else than whole numbers from 0 to 2**63 - 1.
    """

    def __init__(self, seeds: Sequence[int] | None, rows: int, device: torch.device) -> None:
        checked = _checked(list(seeds), rows) if seeds is not None else []
        self._generators = [torch.Generator(device=device).manual_seed(seed) for seed in checked]

    def draw(self, probabilities: torch.Tensor) -> torch.Tensor:
        """A token a row.

        Args:
            probabilities: shape (B, vocab), on the sampler's device; each row sums to 1.

        Returns:
            Token ids, shape (B,). Rows that have ended draw as well: nobody else's generator moves by it.
        """
        if not self._generators:
            return torch.multinomial(probabilities, num_samples=1).squeeze(1)
        rows = zip(probabilities.split(1), self._generators, strict=True)
        return torch.cat([torch.multinomial(row, num_samples=1, generator=generator) for row, generator in rows]).squeeze(1)


def _checked(seeds: list[Any], rows: int) -> list[int]:
    if len(seeds) != rows:
        raise ConfigError([ConfigIssue("row_seeds", f"{len(seeds)} seed(s) for {rows} row(s); give each row one")])
    text = "{!r} is not a seed; give a whole number of at least 0 and below 2**63"
    if issues := [ConfigIssue(f"row_seeds[{row}]", text.format(seed)) for row, seed in enumerate(seeds) if not _is_seed(seed)]:
        raise ConfigError(issues)
    return [operator.index(seed) for seed in seeds]


def _is_seed(value: Any) -> bool:
    try:
        return 0 <= operator.index(value) < _SEEDS
    except TypeError:
        return False


def sample_seed(seed: int, sample_id: str) -> int:
    """Seed of one sample's draws, the same whatever is answered before, beside or after it."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()[:7], "big")
