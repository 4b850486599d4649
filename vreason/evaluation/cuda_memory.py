"""The peaks of torch's CUDA allocator over one sample: exact, where a sampler that looks now and then misses what is short."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch


class CudaPeaks:
    """Greatest bytes since `reset`, one entry a visible CUDA device, in torch's order (`cuda:0` first).

    Empty without CUDA, and while nothing in this process has used it: torch then keeps no figures, and `reset_peak_memory_stats` raises.
    An allocator that keeps none at all (a pluggable one) is warned about once and not asked again; a run does not end by it.
    """

    def __init__(self) -> None:
        self._kept = True

    def reset(self) -> None:
        """Begin anew with what is in use now. No synchronisation: the figures are the allocator's own, on the host."""
        self._each(torch.cuda.reset_peak_memory_stats)

    def allocated(self) -> tuple[int, ...]:
        """Bytes occupied by tensors at the worst moment."""
        return self._each(torch.cuda.max_memory_allocated)

    def reserved(self) -> tuple[int, ...]:
        """Bytes that the allocator held from the driver at the worst moment: tensors, and what it keeps to give out again."""
        return self._each(torch.cuda.max_memory_reserved)

    def _each(self, ask: Callable[[int], Any]) -> tuple[Any, ...]:
        if not self._kept or not torch.cuda.is_initialized():
            return ()
        try:
            return tuple(ask(device) for device in range(torch.cuda.device_count()))
        except RuntimeError as error:
            self._kept = False
            warnings.warn(f"torch tells no CUDA memory peaks ({error}); they are left out of the records", RuntimeWarning, stacklevel=3)
            return ()
