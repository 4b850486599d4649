"""Collects what each token did on the device, and turns it into `StepRecord`s in blocks: one transfer for many values."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from vreason.clock import unix_ms
from vreason.events import StepRecord
from vreason.listeners import ListenerGuard
from vreason.meters import MemoryReader

BLOCK = 16  # tokens between two transfers, at most
WAIT = 0.25  # seconds between two, at most: what has not been told dies with its process


class StepClock:
    """Durations of the two halves of a step. On a CUDA device from events, without waiting for the device."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"

    def mark(self) -> float | torch.cuda.Event:
        """Now, on the device's own time line."""
        if not self._cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    @staticmethod
    def between(start: float | torch.cuda.Event, end: float | torch.cuda.Event) -> float:
        """Milliseconds from `start` to `end`; both lie in the past of the device's current work."""
        if isinstance(start, float) and isinstance(end, float):
            return (end - start) * 1000.0
        return float(start.elapsed_time(end))  # type: ignore[union-attr, arg-type]


@dataclass
class StepTensors:
    """One token of the whole batch, still on the device. Every tensor has the shape (B,); None where there is no controller."""

    token_ids: torch.Tensor
    active: torch.Tensor
    entropy: torch.Tensor
    ema: torch.Tensor
    peak: torch.Tensor
    alpha: torch.Tensor
    loss: torch.Tensor | None
    delta_v_norm: torch.Tensor | None
    grad_norm: torch.Tensor | None
    value_cosine: torch.Tensor | None


_COLUMNS = ("token_ids", "active", "entropy", "ema", "peak", "alpha", "loss", "delta_v_norm", "grad_norm", "value_cosine")


class StepLog:
    """Keeps up to `BLOCK` tokens, or `WAIT` seconds of them, on the device, then hands their records to the observers."""

    def __init__(self, sample_ids: Sequence[str], guard: ListenerGuard, memory: MemoryReader | None) -> None:
        self.sample_ids, self.guard, self.memory = list(sample_ids), guard, memory
        self.unsteered: set[int] = set()  # rows without a video token have no controller
        self._waiting: list[tuple[StepTensors, int, int, tuple[int, str] | None, tuple[object, object, object]]] = []
        self._since = 0.0  # monotonic time of the first that waits

    def add(self, index: int, tensors: StepTensors, marks: tuple[object, object, object]) -> None:
        """Take one token: its index t, its values, and the clock marks (start, after forward, after control)."""
        memory = self._read_memory()
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append((tensors, index, unix_ms(), memory, marks))
        if len(self._waiting) >= BLOCK or time.monotonic() - self._since >= WAIT:
            self.flush()

    def _read_memory(self) -> tuple[int, str] | None:
        """The newest sample of the memory in use; a reader that fails is warned about once and not asked again."""
        if self.memory is None:
            return None
        try:
            return self.memory()
        except Exception as error:  # a listener's error is not the run's
            self.memory = None
            warnings.warn(f"the memory reader failed: {error!r}; the records go on without memory", RuntimeWarning, stacklevel=2)
            return None

    def flush(self) -> None:
        """Hand over what waits."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        rows = [torch.stack([_column(tensors, name) for name in _COLUMNS]) for tensors, *_ in waiting]
        block = torch.stack(rows).cpu().tolist()  # (tokens, columns, B)
        records = []
        for (tensors, index, stamp, memory, marks), values in zip(waiting, block, strict=True):
            forward = StepClock.between(marks[0], marks[1])  # type: ignore[arg-type]
            control = StepClock.between(marks[1], marks[2])  # type: ignore[arg-type]
            for row, sample_id in enumerate(self.sample_ids):
                value = {name: column[row] for name, column in zip(_COLUMNS, values, strict=True)}
                if not value["active"]:
                    continue
                steered = row not in self.unsteered
                records.append(
                    StepRecord(
                        sample_id=sample_id,
                        token_index=index,
                        token_id=int(value["token_ids"]),
                        entropy=value["entropy"],
                        ema=value["ema"],
                        peak=value["peak"],
                        alpha=int(value["alpha"]),
                        loss=value["loss"] if steered and tensors.loss is not None else None,
                        delta_v_norm=value["delta_v_norm"] if steered and tensors.delta_v_norm is not None else None,
                        grad_norm=value["grad_norm"] if steered and tensors.grad_norm is not None else None,
                        value_cosine=value["value_cosine"] if steered and tensors.value_cosine is not None else None,
                        updated=steered and tensors.loss is not None,
                        device_memory_bytes=memory[0] if memory else None,
                        memory_source=memory[1] if memory else None,
                        timestamp_ms=stamp,
                        forward_ms=forward,
                        control_ms=control,
                    )
                )
        self.guard.steps(records)


def _column(tensors: StepTensors, name: str) -> torch.Tensor:
    """A column of the block as float64, which holds every token id exactly."""
    value = getattr(tensors, name)
    return torch.zeros_like(tensors.entropy, dtype=torch.float64) if value is None else value.to(torch.float64)
