"""What measures memory and energy while a sample runs, as the method sees it. Loads without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

MemoryReader = Callable[[], tuple[int, str] | None]
"""Returns the newest sample of the memory in use (bytes, source) without waiting, or None when there is none yet."""


class MemoryMeter(Protocol):
    """Samples the memory in use from a thread of its own; nothing here waits."""

    def latest(self) -> tuple[int, str] | None:
        """The newest sample: bytes and where they come from. A `MemoryReader`."""
        ...

    def reset_peak(self) -> None:
        """Begin a new window."""
        ...

    def peak(self) -> tuple[int, str] | None:
        """The greatest sample since `reset_peak`, the newest included; where the source changed, of the best one among them."""
        ...


@runtime_checkable
class EnergyMeter(Protocol):
    """Tells what the devices have drawn. A meter of memory may be one as well."""

    def energy(self) -> float | None:
        """Joules that all devices of this process have drawn since some moment that stays the same; None where one does not count them."""
        ...
