"""Readings of devices gathered into windows of time, each handed to a listener when it is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vreason_tracking.telemetry.devices import DeviceListener, DeviceRecord, Reading
from vreason_tracking.telemetry.error_counter import ErrorCounter

WINDOW = 2  # seconds
EXIT_TIMEOUT = 2.0  # seconds that the end waits for a listener that hangs
QUANTITIES = ("process_bytes", "device_bytes", "utilization_percent", "power_watts", "rss_bytes")
GOING_ON = "what this listener was to keep of the devices is not whole; see docs/telemetry.md"


@dataclass(slots=True)
class _Window:
    """One device's window so far."""

    name: str
    samples: int = 0
    errors: int = 0
    greatest: dict[str, float] = field(default_factory=dict)

    def add(self, reading: Reading) -> None:
        known = {quantity: getattr(reading, quantity) for quantity in QUANTITIES if getattr(reading, quantity) is not None}
        self.samples += bool(known)
        self.errors += reading.errors
        for quantity, value in known.items():
            self.greatest[quantity] = max(value, self.greatest.get(quantity, value))


class Windows:
    """Gathers readings for one listener, from now on until `close`.

    The listener is called by the thread that adds a reading, the last time by the one that closes; never by two at once. One that raises
    is counted and warned about once.

    Args:
        listener: told of each window of each device.
        errors: where its failures are counted.
        second: what `DeviceRecord.second` begins at.
        clock: seconds that never go backwards.
    """

    def __init__(
        self, listener: DeviceListener, errors: ErrorCounter, second: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listener, self._errors, self._second, self._clock = listener, errors, second, clock
        self._began, self._origin_ms = clock(), time.time() * 1000
        self._number = 0  # of the window that is open: it begins WINDOW times that many seconds after `_began`
        self._open: dict[str, _Window] = {}
        self._closed = False
        self._lock = threading.Lock()

    def add(self, readings: Sequence[Reading]) -> None:
        """Take in one round of readings, after the windows that are over have been handed out. Nothing after `close`."""
        with self._lock:
            if self._closed:
                return
            number = int((self._clock() - self._began) // WINDOW)
            if number > self._number:
                self._hand_out((self._number + 1) * WINDOW)
                self._number = number
            for reading in readings:
                self._open.setdefault(reading.device, _Window(reading.name)).add(reading)

    def close(self) -> None:
        """Hand out what is left, as a window that ends now."""
        self._closed = True
        if not self._lock.acquire(timeout=EXIT_TIMEOUT):
            self._errors.add(TimeoutError(f"does not return after {EXIT_TIMEOUT:g} s"), _name(self._listener), GOING_ON)
            return
        try:
            self._hand_out(min(self._clock() - self._began, (self._number + 1) * WINDOW))
        finally:
            self._lock.release()

    def _hand_out(self, end: float) -> None:
        """The open windows, which end `end` seconds after the beginning."""
        begin = self._number * WINDOW
        for device, window in self._open.items():
            if window.samples or window.errors:
                self._tell(self._record(device, window, begin, end))
        self._open = {}

    def _record(self, device: str, window: _Window, begin: int, end: float) -> DeviceRecord:
        greatest: dict[str, Any] = {quantity: window.greatest.get(quantity) for quantity in QUANTITIES}
        return DeviceRecord(
            device=device,
            name=window.name,
            started_ms=int(self._origin_ms + begin * 1000),
            timestamp_ms=int(self._origin_ms + end * 1000),
            second=self._second + begin,
            samples=window.samples,
            errors=window.errors,
            **greatest,
        )

    def _tell(self, record: DeviceRecord) -> None:
        try:
            self._listener(record)
        except Exception as error:  # a listener's error is not the run's
            self._errors.add(error, _name(self._listener), GOING_ON)


def _name(listener: DeviceListener) -> str:
    return f"listener {getattr(listener, '__qualname__', type(listener).__name__)}"
