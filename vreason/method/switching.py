"""Which way to push the entropy, and the loss that does it.

    alpha_t  = +1 where H^ema_t >= H^ema_peak (explore), else -1 (exploit)
    L_switch = -alpha_t * H_t

The paper's figure writes alpha * KL(p_t, uniform) = alpha * (log vocab - H_t): the same gradient. Source: arXiv 2510.17045; `min`
and `max` are its ablations (always exploit, always explore), `random` is a control.
"""

from __future__ import annotations

import torch

from vreason.config import Objective


class Switch:
    """Gives alpha for each row of a batch; holds the generator of `random`."""

    def __init__(self, objective: Objective, seed: int) -> None:
        self.objective = objective
        self._seed = seed
        self._generators: list[torch.Generator] = []

    def alpha(self, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
        """Direction of the push.

        Args:
            ema, peak: H^ema_t and H^ema_peak, shape (B,), nats.

        Returns:
            +1.0 or -1.0, shape (B,). `none` reports what `switch` would, since it only observes.
        """
        if self.objective == "min":
            return torch.full_like(ema, -1.0)
        if self.objective == "max":
            return torch.full_like(ema, 1.0)
        if self.objective == "random":
            return self._signs(ema)
        return torch.where(ema >= peak, 1.0, -1.0).to(ema.dtype)

    def _signs(self, like: torch.Tensor) -> torch.Tensor:
        """One generator a row, all of the same seed: a row's signs do not depend on its neighbours."""
        if not self._generators:
            self._generators = [torch.Generator().manual_seed(self._seed) for _ in range(like.shape[0])]
        bits = [torch.randint(0, 2, (1,), generator=generator) for generator in self._generators]
        return (torch.cat(bits).to(like) * 2 - 1).to(like.dtype)


def switching_loss(alpha: torch.Tensor, entropy: torch.Tensor) -> torch.Tensor:
    """L_switch of each row.

    Args:
        alpha: +1 or -1, shape (B,).
        entropy: H_t, shape (B,), nats, with its graph.

    Returns:
        Shape (B,), nats. Rows share nothing, so the gradient of the sum holds each row's own.
    """
    return -alpha * entropy
