"""torch.cuda's allocator figures without a GPU: the functions that this project asks, with the answers and errors of the real ones."""

from __future__ import annotations

import pytest
import torch


class FakeCuda:
    """Devices whose allocator is moved by a test. Before `start` nothing has used CUDA.

    Args:
        patch: puts the functions in the place of torch.cuda's.
        devices: visible ones.
        started: something has used CUDA.
    """

    def __init__(self, patch: pytest.MonkeyPatch, devices: int = 1, started: bool = True) -> None:
        self.started = started
        self.now = {"allocated": [0] * devices, "reserved": [0] * devices}
        self.peaks = {kind: list(values) for kind, values in self.now.items()}
        for name in ("is_initialized", "device_count", "reset_peak_memory_stats", "max_memory_allocated", "max_memory_reserved"):
            patch.setattr(torch.cuda, name, getattr(self, name))

    def use(self, device: int, allocated: int, reserved: int) -> None:
        """The allocator's figures move to these, and the peaks with them."""
        for kind, value in (("allocated", allocated), ("reserved", reserved)):
            self.now[kind][device] = value
            self.peaks[kind][device] = max(value, self.peaks[kind][device])

    def is_initialized(self) -> bool:
        """Whether anything has used CUDA."""
        return self.started

    def device_count(self) -> int:
        """Visible devices, counted without using CUDA."""
        return len(self.now["allocated"])

    def reset_peak_memory_stats(self, device: int | None = None) -> None:
        """Peaks become what is in use; raises where nothing has used CUDA, as torch does."""
        place = self._place(device)
        if not self.started:
            raise RuntimeError(f"Invalid device argument {place}: did you call init?")
        for kind, values in self.now.items():
            self.peaks[kind][place] = values[place]

    def max_memory_allocated(self, device: int | None = None) -> int:
        """Bytes of tensors; 0 where nothing has used CUDA, as torch answers."""
        return self.peaks["allocated"][self._place(device)] if self.started else 0

    def max_memory_reserved(self, device: int | None = None) -> int:
        """Bytes held; 0 where nothing has used CUDA, as torch answers."""
        return self.peaks["reserved"][self._place(device)] if self.started else 0

    def _place(self, device: int | None) -> int:
        if device is not None and device >= self.device_count():
            raise RuntimeError(f"Invalid device argument {device}: did you call init?")
        return device or 0
