"""What the benchmarks of the record share: a line about the machine, medians of ratios, and measuring only while nobody else computes."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import psutil

QUIET = 0.10  # cores: what others may use meanwhile
RETRY_TIMEOUT = 1800.0  # seconds for which one measurement waits for that
_LOOK = 1.0  # seconds

T = TypeVar("T")


class Others:
    """Processor time used, while inside, by processes that are not of this one's family; `cores` says it afterwards, as cores."""

    def __enter__(self) -> Others:
        self.cores = 0.0
        self._wall, self._used = time.monotonic(), _foreign_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        self.cores = max(0.0, (_foreign_seconds() - self._used) / (time.monotonic() - self._wall))


def undisturbed(measure: Callable[[], T]) -> tuple[T, float]:
    """What `measure` returns from a call during which others used less than `QUIET` cores, and how much they used.

    It is called again when they used more. After `RETRY_TIMEOUT` seconds the call with the least disturbance counts.
    """
    end = time.monotonic() + RETRY_TIMEOUT
    best: tuple[float, T] | None = None
    while best is None or (best[0] > QUIET and time.monotonic() < end):
        _await_quiet(end)
        with Others() as others:
            found = measure()
        if best is None or others.cores < best[0]:
            best = others.cores, found
        print("." if others.cores <= QUIET else "x", end="", file=sys.stderr, flush=True)
    return best[1], best[0]


def _await_quiet(end: float) -> None:
    while time.monotonic() < end:
        with Others() as others:
            time.sleep(_LOOK)
        if others.cores < QUIET:
            return


def _foreign_seconds() -> float:
    """Processor seconds of everybody since the machine started, a hypervisor's other guests included, less this family's."""
    times = psutil.cpu_times()
    everybody = sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))
    this = psutil.Process()
    own = 0.0
    for process in [this, *this.children(recursive=True)]:
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:  # it has ended, and counts among its parent's children from now on
            continue
        own += used.user + used.system + used.children_user + used.children_system
    return everybody - own


def machine(*packages: str) -> str:
    """Processor, cores, Python and versions of packages, in a line."""
    told = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in told if line.startswith("model name")), "")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = " ".join(f"{number:.2f}" for number in os.getloadavg())
    return f"{os.cpu_count()} cores of {model or platform.machine()}; Python {platform.python_version()}, {versions}; load average {load}"


def ratios(mine: Sequence[float], base: Sequence[float]) -> list[float]:
    """Round by round."""
    return [one / other for one, other in zip(mine, base, strict=True)]


def spread(values: Sequence[float], form: str = ".3f") -> str:
    """Median (least - most)."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} - {max(values):{form}})"
