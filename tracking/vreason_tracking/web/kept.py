"""What was read is kept for a moment, for many look at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

KEPT_FOR = 2.0
"""Seconds for which a value is given again without reading."""
SHARE = 0.1
"""Of the time, at most, that is spent on reading: what takes long to read is kept longer."""

_Value = TypeVar("_Value")


class Kept(Generic[_Value]):
    """A value that is read anew when it is older than `KEPT_FOR`, and ten times the time that reading took; while one reads, others wait.

    Args:
        read: makes the value.
        clock: monotonic seconds.
    """

    def __init__(self, read: Callable[[], _Value], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._lock = Lock()
        self._until: float | None = None
        self._value: _Value | None = None

    def get(self) -> _Value:
        """The value; whatever reading raises."""
        with self._lock:
            began = self._clock()
            if self._until is None or self._value is None or began >= self._until:
                self._value = self._read()
                ended = self._clock()
                self._until = ended + max(KEPT_FOR, (ended - began) / SHARE)
            return self._value
