"""Waiting for a thread to get somewhere, without a fixed sleep."""

from __future__ import annotations

import time
from collections.abc import Callable

FAST = 0.002
"""Seconds between two looks."""


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether `true` comes to hold within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(FAST)
    return true()
