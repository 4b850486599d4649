"""The paper's Figure 1: entropy and its moving average by token index, over the samples of a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vreason.events import StepRecord


@dataclass
class EntropyCurve:
    """Running sums by token index; its size is the longest reply's, whatever the number of samples."""

    count: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    entropy: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    square: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    ema: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def add(self, steps: Sequence[StepRecord]) -> None:
        """Take in a sample's steps."""
        if not steps:
            return
        longest = max(step.token_index for step in steps) + 1
        missing = longest - len(self.count)
        if missing > 0:
            for name in ("count", "entropy", "square", "ema"):
                setattr(self, name, np.pad(getattr(self, name), (0, missing)))
        index = np.array([step.token_index for step in steps])
        entropy = np.array([step.entropy for step in steps])
        np.add.at(self.count, index, 1)
        np.add.at(self.entropy, index, entropy)
        np.add.at(self.square, index, entropy**2)
        np.add.at(self.ema, index, np.array([step.ema for step in steps]))

    @property
    def mean_entropy(self) -> NDArray[np.float64]:
        """Mean H_t by token index, nats, shape (T,)."""
        return self.entropy / self.count

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation of H_t over the samples, nats, shape (T,)."""
        with np.errstate(invalid="ignore"):  # an infinite entropy has no deviation
            deviation: NDArray[np.float64] = np.sqrt(np.maximum(self.square / self.count - self.mean_entropy**2, 0.0))
        return deviation

    @property
    def mean_ema(self) -> NDArray[np.float64]:
        """Mean H^ema_t by token index, nats, shape (T,)."""
        return self.ema / self.count
