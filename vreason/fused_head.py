"""Logits, entropy and the entropy's gradient in one pass over the LM head's weights.

The plain way reads the head twice at an update: once for the logits z = W h, once for the backward pass. On a CPU decoding is bound by
reading weights, so that second reading is most of what control costs. Here each block of rows of W is read from memory once and used twice
while it lies in the cache:

    dH/dh = -sum_v p_v (log p_v + H) W_v = -(E_p[z W] - E_p[z] E_p[W])        the covariance of logit and row under p

with the expectations gathered block by block under a running maximum, as fused attention gathers its own. Exact up to the order of float
additions; the tests hold it against autograd in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

BLOCK_BYTES = 4 * 2**20  # of a block of rows; lies in any last-level cache


@dataclass
class HeadPass:
    """What one pass left behind.

    Attributes:
        hidden: the head's input at the last position, shape (B, hidden), with the graph from dV on.
        entropy: H of the head's distribution, shape (B,), nats.
        gradient: dH/d hidden, shape (B, hidden).
    """

    hidden: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    entropy: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    gradient: torch.Tensor = field(default_factory=lambda: torch.empty(0))


def can_fuse(head: torch.nn.Module) -> bool:
    """Whether the fused pass serves this head: on a CPU, in float32 or float64, without a bias."""
    if type(head) is not torch.nn.Linear or head.bias is not None:
        return False
    return head.weight.device.type == "cpu" and head.weight.dtype in (torch.float32, torch.float64)


@contextmanager
def fused(head: torch.nn.Linear) -> Iterator[HeadPass]:
    """Inside, calling `head` also fills in the `HeadPass`; outside it is as it was, also after an exception."""
    done = HeadPass()
    before = head.__dict__.get("forward")

    def forward(hidden: torch.Tensor) -> torch.Tensor:
        done.hidden = hidden[:, -1]
        logits, done.entropy, done.gradient = entropy_pass(done.hidden.detach(), head.weight.detach())
        return logits[:, None]

    head.forward = forward  # type: ignore[method-assign, assignment]
    try:
        yield done
    finally:
        if before is None:
            del head.__dict__["forward"]
        else:
            head.forward = before  # type: ignore[method-assign]


@torch.no_grad()
def entropy_pass(hidden: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One pass over the head.

    Args:
        hidden: shape (B, hidden).
        weight: shape (vocab, hidden).

    Returns:
        Logits (B, vocab), entropy (B,) in nats, and dH/d hidden (B, hidden).
    """
    rows, width = hidden.shape
    block = max(256, BLOCK_BYTES // (width * weight.element_size()))
    logits = hidden.new_empty(rows, len(weight))
    top = hidden.new_full((rows, 1), -torch.inf)  # running maximum; z is counted from it, so that no digits are lost
    total = hidden.new_zeros(rows, 1)  # sum of e = exp(z - top)
    first = hidden.new_zeros(rows, 1)  # sum of e * (z - top)
    plain, tilted = hidden.new_zeros(2, rows, width)  # rows of W weighted by e, and by e * (z - top)
    for start in range(0, len(weight), block):
        part = weight[start : start + block]
        scores = hidden @ part.T
        logits[:, start : start + block] = scores
        higher = torch.maximum(top, scores.amax(dim=1, keepdim=True))
        if start == 0:
            top = higher
        elif bool((higher > top).any()):
            moved = top - higher
            scale = moved.exp()
            first, tilted = scale * (first + moved * total), scale * (tilted + moved * plain)
            total, plain, top = scale * total, scale * plain, higher
        scores = scores - top
        weights = scores.exp()
        shifted = scores.mul_(weights)
        total = total + weights.sum(dim=1, keepdim=True)
        first = first + shifted.sum(dim=1, keepdim=True)
        gathered = torch.nn.functional.linear(torch.cat([weights, shifted]), part.T)  # twice as fast as @ for so few rows
        plain, tilted = plain + gathered[:rows], tilted + gathered[rows:]
    mean = first / total
    entropy = total.log() - mean
    gradient = (mean * plain - tilted) / total
    return logits, entropy.squeeze(1), gradient
