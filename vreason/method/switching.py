"""The paper's entropy switch: which way to push the entropy, and the loss that does it.

    alpha_t  = +1 where H^ema_t >= H^ema_peak (explore), else -1 (exploit)
    L_switch = -alpha_t * H_t

The paper's figure writes alpha * KL(p_t, uniform) = alpha * (log vocab - H_t): the same gradient. Source: arXiv 2510.17045.
"""

from __future__ import annotations

import torch


def switch_alpha(ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
    """Direction of the push.

    Args:
        ema, peak: H^ema_t and H^ema_peak, shape (B,), nats.

    Returns:
        +1.0 or -1.0, shape (B,).
    """
    return torch.where(ema >= peak, 1.0, -1.0).to(ema.dtype)


def switching_loss(alpha: torch.Tensor, entropy: torch.Tensor) -> torch.Tensor:
    """L_switch of each row.

    Args:
        alpha: +1 or -1, shape (B,).
        entropy: H_t, shape (B,), nats, with its graph.

    Returns:
        Shape (B,), nats. Rows share nothing, so the gradient of the sum holds each row's own.
    """
    return -alpha * entropy
