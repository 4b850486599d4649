"""The memory in use as one number, and where it comes from.

The sources, best first; the source travels with every number:

    nvml:process   memory of this process on the visible NVIDIA GPUs, summed
    nvml:device    memory in use on those GPUs by anybody, summed: the driver does not show this process (usual in containers)
    rss            resident memory of this process: no driver, no visible GPU, or NVML stopped answering

They measure different things and must not outbid each other: a peak is the greatest number of the best source that answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vreason_tracking.telemetry.devices import Reading

SOURCES = ("nvml:process", "nvml:device", "rss")

MemoryReading = tuple[int, str]
"""Bytes in use, and their source."""


def best_source(sources: Iterable[str]) -> str | None:
    """The best of these sources: the first in `SOURCES`, one that is not there last; None without any."""
    return min(sources, key=lambda source: (SOURCES.index(source) if source in SOURCES else len(SOURCES), source), default=None)


class MemoryInUse:
    """The newest number and the greatest of a window. One thread takes readings in, any thread asks; there is no lock."""

    def __init__(self) -> None:
        self.latest: MemoryReading | None = None
        self._answered: set[str] = set()
        # Greatest bytes by source. A new window is a new dict, so that a number on its way into the old one cannot spoil the new one; that
        # replaces a lock.
        self._window: dict[str, int] = {}

    def take(self, gpus: Sequence[Reading], host: Reading) -> None:
        """Take in one round of readings: the best source that every GPU answered counts.

        While a source that used to answer fails, the newest number stands: it will come back, and one from another source would only
        confuse the curve. Once its question rests (see `readers.DeviceQuery`), it gives way to the next.
        """
        for source, values in (
            ("nvml:process", [reading.process_bytes for reading in gpus]),
            ("nvml:device", [reading.device_bytes for reading in gpus]),
        ):
            known = [value for value in values if value is not None]
            if gpus and len(known) == len(values):
                self._add(sum(known), source)
                return
            if source in self._answered and any(reading.errors for reading in gpus):
                return
        if host.rss_bytes is not None:
            self._add(host.rss_bytes, "rss")

    def reset_peak(self) -> None:
        """Begin a new window."""
        self._window = {}

    def peak(self) -> MemoryReading | None:
        """The greatest number since `reset_peak`, the newest included, of the best source among them."""
        window, newest = dict(self._window), self.latest
        if newest is None:
            return None
        window[newest[1]] = max(newest[0], window.get(newest[1], 0))
        source = best_source(window) or newest[1]
        return window[source], source

    def _add(self, used: int, source: str) -> None:
        window = self._window
        window[source] = max(used, window.get(source, 0))
        self._answered.add(source)
        self.latest = used, source
