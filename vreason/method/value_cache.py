"""The only file that touches the inside of a transformers cache.

Written for `DynamicCache` (transformers 5): ``cache.layers[i].keys`` and ``.values`` of shape (B, kv_heads, T, head_dim), to which `update`
concatenates. Whatever else comes is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vreason.errors import UnsupportedGenerationError


@dataclass(frozen=True)
class VideoPositions:
    """Where the video tokens of a batch stand in the cache, row after row: `rows` and `columns`, each of shape (M,)."""

    rows: torch.Tensor
    columns: torch.Tensor
    sizes: tuple[int, ...]

    def on(self, device: torch.device) -> VideoPositions:
        """These positions with their indices on a layer's device: a model may be spread over several."""
        return VideoPositions(self.rows.to(device), self.columns.to(device), self.sizes)

    @classmethod
    def of(cls, mask: torch.Tensor) -> VideoPositions:
        """From a mask of shape (B, T), True at video tokens."""
        rows, columns = mask.nonzero(as_tuple=True)
        return cls(rows, columns, tuple(mask.sum(dim=1).tolist()))


def require_dynamic(cache: Any) -> None:
    """Refuse caches whose layers do not simply grow.

    Raises:
        UnsupportedGenerationError: naming the cache and what to pass instead.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    layers = getattr(cache, "layers", [])
    if not isinstance(cache, DynamicCache) or any(type(layer) is not DynamicLayer for layer in layers):
        kinds = sorted({type(layer).__name__ for layer in layers} or {type(cache).__name__})
        raise UnsupportedGenerationError(
            f"the value cache is a {', '.join(kinds)}; V-Reason steers the default dynamic cache only:"
            " leave out cache_implementation and past_key_values, and sliding windows in the model's config"
        )
    if getattr(cache, "offloading", False):
        raise UnsupportedGenerationError("the cache is offloaded to the CPU; leave out cache_implementation='offloaded'")


def read_values(cache: Any, layer: int, positions: VideoPositions) -> torch.Tensor:
    """A copy of a layer's values at the video tokens, shape (M, kv_heads, head_dim)."""
    values: torch.Tensor = cache.layers[layer].values
    positions = positions.on(values.device)
    return values[positions.rows, :, positions.columns]


def write_values(cache: Any, layer: int, positions: VideoPositions, values: torch.Tensor) -> None:
    """Put `values`, shape (M, kv_heads, head_dim), at the video tokens of a layer.

    Where `values` carries a graph, the layer's whole value tensor becomes a new one that depends on it; `detach_values` ends that.
    Otherwise the layer's tensor is written in place.
    """
    holder = cache.layers[layer]
    positions = positions.on(holder.values.device)
    position = (positions.rows, slice(None), positions.columns)
    values = values.to(holder.values.dtype)
    if values.requires_grad:
        holder.values = _place(holder.values, positions, values)
    else:
        holder.values[position] = values


def _place(whole: torch.Tensor, positions: VideoPositions, values: torch.Tensor) -> torch.Tensor:
    """Out-of-place write at the video tokens, with a graph from `values` on."""
    heads = torch.arange(whole.shape[1], device=whole.device)
    index = (positions.rows[:, None], heads[None, :], positions.columns[:, None])
    return whole.index_put(index, values)


def detach_values(cache: Any, layer: int) -> None:
    """Cut the graph off a layer's values."""
    holder = cache.layers[layer]
    holder.values = holder.values.detach()


def keep_columns(cache: Any, layer: int, columns: torch.Tensor) -> None:
    """Keep only the columns given, shape (B, T'), of a layer's keys and values, in that order."""
    holder = cache.layers[layer]
    for name in ("keys", "values"):
        tensor: torch.Tensor = getattr(holder, name)
        index = columns.to(tensor.device)[:, None, :, None].expand(-1, tensor.shape[1], -1, tensor.shape[3])
        setattr(holder, name, tensor.gather(2, index))


def layer_norms(cache: Any, layer: int, of: str, positions: VideoPositions) -> torch.Tensor:
    """L2 norm of each video token's key or value vector of a layer, KV heads together, shape (M,), float32, on the positions' device."""
    holder = cache.layers[layer]
    tensor: torch.Tensor = holder.values if of == "value" else holder.keys
    near = positions.on(tensor.device)
    norms: torch.Tensor = torch.linalg.vector_norm(tensor[near.rows, :, near.columns].float(), dim=(-2, -1))
    return norms.to(positions.rows.device)
