"""Entropy of the next-token distribution, its moving average and the average's peak.

    H_t         = -sum_v p_t(v) log p_t(v)                      nats, whole vocabulary, raw logits in float32
    H^ema_t     = beta * H^ema_{t-1} + (1 - beta) * H_t          every token
    H^ema_peak  = max(H^ema_peak, H^ema_t)                       this token included

Source: "Video Reasoning without Training" (arXiv 2510.17045), the entropy signal and its EMA with beta = 0.98.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vreason.config import EmaInit


class _Entropy(torch.autograd.Function):
    """H with its closed-form gradient, dH/dz = -p * (log p + H): one tensor kept instead of the graph of a log-softmax."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor) -> torch.Tensor:
        """H of each row of the logits, in float32 or float64."""
        raw = logits if logits.dtype == torch.float64 else logits.float()
        log_p = torch.log_softmax(raw, dim=-1)
        entropy: torch.Tensor = -torch.linalg.vecdot(log_p.exp(), log_p)
        ctx.save_for_backward(log_p, entropy)
        ctx.dtype = logits.dtype
        return entropy

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        """The logits' gradient, in their own type."""
        log_p, entropy = ctx.saved_tensors
        gradient: torch.Tensor = (log_p + entropy[..., None]).mul_(log_p.exp()).mul_(-grads[0][..., None])
        return gradient.to(dtype=ctx.dtype)


def token_entropy(logits: torch.Tensor) -> torch.Tensor:
    """Shannon entropy of the distribution that the logits describe.

    Args:
        logits: raw scores, shape (B, vocab), not scaled by a temperature and not masked by top-k or top-p: a -inf makes the
            gradient NaN.

    Returns:
        Entropy in nats, shape (B,), float32 (float64 for float64 logits). Differentiable once.
    """
    return _Entropy.apply(logits)  # type: ignore[no-any-return, no-untyped-call]


@dataclass
class EntropyTracker:
    """The moving average and its peak for each row of a batch, on the device of the logits."""

    beta: float
    init: EmaInit
    ema: torch.Tensor | None = None
    peak: torch.Tensor | None = None

    def update(self, entropy: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Take in one token's entropy.

        Args:
            entropy: H_t, shape (B,), nats, no gradient needed.

        Returns:
            H^ema_t and H^ema_peak, each of shape (B,), nats. With `init` = "zero" the average starts at 0 without bias
            correction, as in the paper's figures; with "first" at the first token's entropy.
        """
        entropy = entropy.detach()
        if self.ema is None:
            start = entropy if self.init == "first" else torch.zeros_like(entropy)
            self.ema = start.clone()
        self.ema = self.beta * self.ema + (1.0 - self.beta) * entropy
        self.peak = self.ema if self.peak is None else torch.maximum(self.peak, self.ema)
        return self.ema, self.peak
