"""The time of every record: Unix time that never steps back within a process.

A wall clock may jump while a sample is answered (NTP, a user, a virtual machine that is moved). Steps would then be dated before the ones
they follow, and a duration between two stamps could be negative. The wall clock is therefore read once, when this module loads; from then
on a monotonic clock counts: CLOCK_BOOTTIME where there is one (Linux), which also counts while the machine sleeps.

A process that has seen a jump stays on its own time line; the next one reads the corrected wall clock. Loads without torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def _steady_clock() -> Callable[[], int]:
    """Nanoseconds since some moment before this process began; never goes back."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        try:
            time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        except OSError:  # named by the C library, unknown to the kernel or its sandbox
            return time.monotonic_ns
        return lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns


_steady = _steady_clock()
_ANCHOR = time.time_ns() - _steady()


def unix_ns() -> int:
    """Now, nanoseconds since 1970-01-01 UTC; never less than an earlier answer in the same process."""
    return _ANCHOR + _steady()


def unix_ms() -> int:
    """Now, whole milliseconds since 1970-01-01 UTC, rounded down; never less than an earlier answer in the same process."""
    return unix_ns() // 1_000_000
