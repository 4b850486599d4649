"""How busy the machine was with other programs while something ran: a latency that was measured beside other work says little.

Read off the system's own counters of processor time, before and after; what this process and its children used is taken off.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class MachineLoad:
    """The time between two looks.

    Attributes:
        other: share of the machine's processor time that other programs used, 0 to 1.
        steal: share that the hypervisor gave to other machines, 0 to 1.
    """

    other: float
    steal: float


@dataclass(frozen=True)
class _Counters:
    """Seconds of processor time so far: of all processors in all, busy, stolen; of this process and its children."""

    total: float
    busy: float
    steal: float
    own: float


class LoadMeter:
    """Measures from `start` to `read`. A system that does not tell (some containers) gives None; nothing here raises."""

    def __init__(self) -> None:
        self._began = _counters()

    def start(self) -> None:
        """Begin a new window."""
        self._began = _counters()

    def read(self) -> MachineLoad | None:
        """The load since `start`; None where it is not known, or no time has passed on the system's clock (it ticks every 10 ms)."""
        before, now = self._began, _counters()
        if before is None or now is None or now.total <= before.total:
            return None
        total = now.total - before.total
        other = (now.busy - before.busy) - max(0.0, now.own - before.own)
        return MachineLoad(min(1.0, max(0.0, other / total)), min(1.0, max(0.0, (now.steal - before.steal) / total)))


def _counters() -> _Counters | None:
    try:
        times = psutil.cpu_times()._asdict()
        own = sum(_used(pid) for pid in (os.getpid(), *_children(os.getpid())))
    except (psutil.Error, OSError, RuntimeError):
        return None
    guests = times.get("guest", 0.0) + times.get("guest_nice", 0.0)  # counted in user and nice as well
    steal = times.get("steal", 0.0)
    total = sum(times.values()) - guests
    busy = total - times.get("idle", 0.0) - times.get("iowait", 0.0) - steal
    return _Counters(total, busy, steal, own) if total > 0 else None


def _used(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:  # it has just ended
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)  # of children that have ended as well


def _children(pid: int) -> list[int]:
    """Processes that this one has started, such as the decoder of videos. Linux lists them by thread; elsewhere psutil looks."""
    tasks = Path(f"/proc/{pid}/task")
    try:
        return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return [child.pid for child in psutil.Process(pid).children()]
