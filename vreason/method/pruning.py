"""Lite: drop video tokens from the key and value cache of every layer, after prefill and before the first decode step.

The paper drops the 50 % with the lowest L2 norm and does not say whose norm, nor whether one index set serves all layers (arXiv
2510.17045); `PruningConfig` holds our decisions. Text tokens always stay. Rotary positions of what is kept, and of new tokens, stay those
of the whole sequence: keys are cached with their rotation, and generation carries its own position ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vreason.config import PruningConfig
from vreason.method import value_cache as kv


@dataclass(frozen=True)
class Pruned:
    """The cache after Lite: the padding mask (B, T'), and per row the last layer's kept video tokens."""

    attention_mask: torch.Tensor
    positions: kv.VideoPositions


def prune(cache: Any, positions: kv.VideoPositions, attention_mask: torch.Tensor, config: PruningConfig) -> Pruned:
    """Drop video tokens from every layer of `cache`, in place.

    Args:
        cache: a dynamic cache just after prefill, T entries a row.
        positions: the video tokens, M in all.
        attention_mask: shape (B, T), 0 at padding.
        config: share, ranking and direction.

    Returns:
        The mask and the video tokens' places in the shorter cache. Rows that keep fewer entries are padded on the left.
    """
    drops = [int(config.ratio * size) for size in positions.sizes]
    count = len(cache.layers)
    ranks = [_ranks(cache, layer, positions, config) for layer in range(count)]
    if config.scope == "shared":
        shared = torch.stack(ranks).mean(dim=0)
        ranks = [shared] * count
    last: _Layout | None = None
    for layer, rank in enumerate(ranks):
        if layer == 0 or config.scope == "layer":
            last = _layout(_dropped(rank, positions, drops, attention_mask), attention_mask)
        assert last is not None
        kv.keep_columns(cache, layer, last.columns)
    assert last is not None
    is_video = torch.zeros_like(attention_mask, dtype=torch.bool)
    is_video[positions.rows, positions.columns] = True
    kept = is_video.gather(1, last.columns) & last.mask.bool()
    return Pruned(last.mask, kv.VideoPositions.of(kept))


def _ranks(cache: Any, layer: int, positions: kv.VideoPositions, config: PruningConfig) -> torch.Tensor:
    """Rank of each video token within its row, 0 first to go, shape (M,), float32."""
    if config.drop == "random":
        seed = config.seed if config.scope == "shared" else config.seed * 100_003 + layer
        generators = [torch.Generator().manual_seed(seed) for _ in positions.sizes]
        scores = [torch.rand(size, generator=generator) for size, generator in zip(positions.sizes, generators, strict=True)]
        score = torch.cat(scores).to(positions.rows.device)
    else:
        score = kv.layer_norms(cache, layer, config.norm_of, positions)
        score = -score if config.drop == "highest" else score
    return torch.cat([part.argsort(stable=True).argsort().float() for part in score.split(positions.sizes)])


def _dropped(rank: torch.Tensor, positions: kv.VideoPositions, drops: list[int], like: torch.Tensor) -> torch.Tensor:
    """Mask (B, T), True at the video tokens to drop: those of lowest rank."""
    order = [part.argsort(stable=True).argsort() < drop for part, drop in zip(rank.split(positions.sizes), drops, strict=True)]
    mask = torch.zeros_like(like, dtype=torch.bool)
    mask[positions.rows, positions.columns] = torch.cat(order)
    return mask


@dataclass(frozen=True)
class _Layout:
    """Which old columns (B, T') form the new cache, and which of them are real (1) or padding (0)."""

    columns: torch.Tensor
    mask: torch.Tensor


def _layout(dropped: torch.Tensor, attention_mask: torch.Tensor) -> _Layout:
    real = attention_mask.bool() & ~dropped
    width = int(real.sum(dim=1).max())
    order = real.to(torch.int8).argsort(dim=1, stable=True)  # what is not real first, each group in its order
    columns = order[:, -width:]
    return _Layout(columns, real.gather(1, columns).to(attention_mask.dtype))
