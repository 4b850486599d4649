"""The value-cache controller dV and its optimiser.

    V_new = (V_L + dV) / ||V_L + dV|| * ||V_L||          only the direction of a value vector changes
    dV   <- AdamW(dV, clip(grad_dV L_switch))              every k tokens, float32

Source: arXiv 2510.17045, the value-cache controller and its norm constraint. V_L are the last decoder layer's cached values at the video
tokens as prefill left them.

Layout: the video tokens of all rows stand one after another, (M, kv_heads, head_dim) with M the sum of the rows' N; `sizes` holds the
rows' N. Rows of a batch may show videos of different lengths, and nothing is padded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vreason.config import ControllerConfig

_BETAS = (0.9, 0.999)
_EPS = 1e-8


class ValueController:
    """dV for a batch, one independent controller a row; a finished row is frozen.

    Args:
        values: V_L, shape (M, kv_heads, head_dim), any floating type; kept in float32.
        sizes: video tokens of each row; they sum to M.
        config: learning rate, clip, weight decay and what keeps its norm.
    """

    def __init__(self, values: torch.Tensor, sizes: Sequence[int], config: ControllerConfig) -> None:
        kind = torch.float64 if values.dtype == torch.float64 else torch.float32
        self.values = values.detach().to(kind)
        self.sizes = list(sizes)
        self.config = config
        self.delta = torch.zeros_like(self.values, requires_grad=True)
        self._mean = torch.zeros_like(self.values)
        self._square = torch.zeros_like(self.values)
        self._steps = 0
        self._length = self._norm(self.values)

    def steered(self) -> torch.Tensor:
        """V_new, shape (M, kv_heads, head_dim), float32; differentiable in `delta`."""
        moved = self.values + self.delta
        return moved * (self._length / self._norm(moved).clamp_min(torch.finfo(moved.dtype).tiny))

    def step(self, gradient: torch.Tensor, active: torch.Tensor) -> torch.Tensor:
        """Clip each row's gradient and take one AdamW step on the rows that are still generating.

        Args:
            gradient: of the summed loss with respect to `delta`, shape (M, kv_heads, head_dim).
            active: shape (B,), bool; False freezes a finished row.

        Returns:
            Each row's gradient norm before the clip, shape (B,).
        """
        norms = self.row_norms(gradient)
        if self.config.clip > 0:
            factor = (self.config.clip / norms.clamp_min(torch.finfo(norms.dtype).tiny)).clamp_max(1.0)
            gradient = gradient * self.spread(factor)
        self._steps += 1
        first = 1 - _BETAS[0] ** self._steps
        second = 1 - _BETAS[1] ** self._steps
        self._mean.lerp_(gradient, 1 - _BETAS[0])
        self._square.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        move = (self._mean / first).div_(self._square.div(second).sqrt_().add_(_EPS))
        with torch.no_grad():
            change = (self.delta * self.config.weight_decay + move).mul_(self.config.lr)
            self.delta.sub_(torch.where(self.spread(active), change, 0.0))  # not a product: a NaN in a finished row must not get through
        return norms

    def cosine(self, steered: torch.Tensor) -> torch.Tensor:
        """Mean over a row's vectors of the cosine between V_new and V_L, shape (B,); 1 for a row without video tokens."""
        cosines = torch.nn.functional.cosine_similarity(steered, self.values, dim=-1).mean(dim=-1)
        return torch.stack([part.mean() if len(part) else part.new_ones(()) for part in cosines.split(self.sizes)])

    def row_norms(self, tensor: torch.Tensor) -> torch.Tensor:
        """L2 norm over each row's part of a tensor laid out like dV, shape (B,)."""
        if len(self.sizes) == 1:
            return _length(tensor, None)[None]
        return torch.stack([_length(part, None) for part in tensor.split(self.sizes)])

    def spread(self, per_row: torch.Tensor) -> torch.Tensor:
        """A value per row, shape (B,), laid out to multiply dV: shape (M, 1, 1)."""
        if len(self.sizes) == 1:
            return per_row[:, None, None]
        sizes = torch.tensor(self.sizes, device=per_row.device)
        return per_row.repeat_interleave(sizes, output_size=len(self.values))[:, None, None]

    def _norm(self, tensor: torch.Tensor) -> torch.Tensor:
        """The norms that V_new has to keep, in a shape that broadcasts over (M, kv_heads, head_dim)."""
        if self.config.norm == "head":
            return _length(tensor, (-1,))
        if self.config.norm == "token":
            return _length(tensor, (-2, -1))
        return self.spread(self.row_norms(tensor))


def _length(tensor: torch.Tensor, over: tuple[int, ...] | None) -> torch.Tensor:
    """L2 norm over some dimensions, which stay with size 1; over all of them (None) a scalar."""
    length: torch.Tensor = torch.linalg.vector_norm(tensor, dim=over, keepdim=over is not None)
    return length
