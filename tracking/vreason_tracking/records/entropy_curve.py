"""The paper's Figure 1: entropy and its moving average by token index, over the samples of a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vreason.evaluation import final_peak_of_average
from vreason.events import StepRecord

SHOWN_SHARE = 0.1  # a mean over fewer than this share of the samples is not shown
_REACHED_SHARE = 0.5  # a peak beyond what this share of the samples reached is the longest replies' own


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
        self.add_columns(
            np.array([step.token_index for step in steps]),
            np.array([step.entropy for step in steps]),
            np.array([step.ema for step in steps]),
        )

    def add_columns(self, index: NDArray[np.int64], entropy: NDArray[np.float64], ema: NDArray[np.float64]) -> None:
        """Take in steps of any samples as columns: token index, H_t and H^ema_t, nats, shape (n,) each."""
        if not len(index):
            return
        missing = int(index.max()) + 1 - len(self.count)
        if missing > 0:
            for name in ("count", "entropy", "square", "ema"):
                setattr(self, name, np.pad(getattr(self, name), (0, missing)))
        longest = len(self.count)
        self.count += np.bincount(index, minlength=longest)
        self.entropy += np.bincount(index, entropy, longest)
        self.square += np.bincount(index, entropy**2, longest)
        self.ema += np.bincount(index, ema, longest)

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

    def shown_tokens(self, share: float = SHOWN_SHARE) -> int:
        """How many tokens of a curve with at least one step to look at: as long as this share of the samples that began is left."""
        return int(np.flatnonzero(self.count >= max(1, share * self.count[0]))[-1]) + 1

    @property
    def peak_token(self) -> int | None:
        """Token of the final peak of the mean EMA, among those that at least half of the samples reached; None without a finite value."""
        if not len(self.count):
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            ema = self.mean_ema[: self.shown_tokens(_REACHED_SHARE)]
        return final_peak_of_average((token, float(value)) for token, value in enumerate(ema) if np.isfinite(value))
