"""What was read is kept for a moment, for many look at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Generic, TypeVar

KEPT_FOR = 2.0
"""Seconds for which a value is given again without reading."""
SHARE = 0.1
"""Of the time, at most, that is spent on reading: what takes long to read is kept longer."""
SLOW = 0.25
"""Seconds of reading beyond which nobody waits for the next one: the value before is given meanwhile."""

_Value = TypeVar("_Value")
_log = logging.getLogger(__name__)


class Kept(Generic[_Value]):
    """A value that is read anew when it is older than `KEPT_FOR`, and ten times the time that reading took.

    Where reading is quick, or there is no value yet, everybody waits for it; else it is read in a thread of its own.

    Args:
        read: makes the value.
        clock: monotonic seconds.
    """

    def __init__(self, read: Callable[[], _Value], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._lock = Lock()
        self._until = self._took = 0.0
        self._value: _Value | None = None
        self._reading: Thread | None = None

    def get(self) -> _Value:
        """The value; whatever reading raises. After a reading in the background that failed, the next one is waited for."""
        with self._lock:
            if self._value is not None and (self._clock() < self._until or self._reading is not None):
                return self._value
            if self._value is not None and self._took > SLOW:
                self._reading = Thread(target=self._read_again, name="kept", daemon=True)
                self._reading.start()
                return self._value
            self._value = self._timed()
            return self._value

    def _timed(self) -> _Value:
        began = self._clock()
        value = self._read()
        ended = self._clock()
        self._took = ended - began
        self._until = ended + max(KEPT_FOR, self._took / SHARE)
        return value

    def _read_again(self) -> None:
        value = None
        try:
            value = self._timed()
        except Exception as error:
            _log.warning("cannot be read again: %s", error)
        with self._lock:
            self._value, self._reading = value, None
