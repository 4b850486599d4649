"""The thread that asks the devices: the decoding loop reads the newest number and never waits."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from vreason_tracking.telemetry.devices import DeviceListener, Reading
from vreason_tracking.telemetry.error_counter import ErrorCounter
from vreason_tracking.telemetry.gpus import NO_DRIVER, Gpu, find_gpus, visible_gpus
from vreason_tracking.telemetry.memory import MemoryInUse, MemoryReading
from vreason_tracking.telemetry.readers import GOING_ON, DeviceQuery, GpuReaders, HostReader, energy_query
from vreason_tracking.telemetry.windows import Windows

INTERVAL = 0.05  # seconds between two samples
EXIT_TIMEOUT = 2.0  # seconds that the end waits for a driver call that hangs


class MemorySampler:
    """Samples the memory in use every `interval` seconds while the `with` block runs. Fulfils `vreason.meters.MemoryMeter`.

    Listeners are told of each device every `windows.WINDOW` seconds, and of the rest of a window at their end. Utilisation and power are
    asked only while somebody listens. A failing call costs one answer; a failing listener costs its own record; both are counted in
    `errors` and warned about once. `latest`, `peak` and `reset_peak` take no lock.

    A GPU can be hidden with CUDA_VISIBLE_DEVICES; an empty value makes the sampler read resident memory only.

    Args:
        interval: seconds between two samples.
        nvml: pynvml or a module like it; None imports pynvml.
        listener: told of the devices during the whole `with` block; see `listening` for a part of it.

    Raises:
        ValueError: `interval` is not above 0.
    """

    def __init__(self, interval: float = INTERVAL, nvml: Any = None, listener: DeviceListener | None = None) -> None:
        if not interval > 0:
            raise ValueError(f"interval: {interval!r} is not above 0; give seconds between two samples, such as {INTERVAL}")
        self._interval, self._nvml, self._listener = interval, nvml, listener
        self._errors, self._memory = ErrorCounter(), MemoryInUse()
        self._gpus: list[Gpu] = []
        self._counters: list[DeviceQuery[float]] = []
        self._initialised = False
        self._listening: tuple[Windows, ...] = ()  # replaced, never changed: the thread may be going through it
        self._lock = threading.Lock()  # of that replacement
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._whole = contextlib.ExitStack()

    def __enter__(self) -> MemorySampler:
        self._gpus = self._find_gpus()
        self._counters = [energy_query(self._nvml, gpu, self._errors) for gpu in self._gpus]
        readers = GpuReaders(self._nvml, self._gpus, os.getpid(), self._errors), HostReader(self._errors)
        if self._listener is not None:
            self._whole.enter_context(self.listening(self._listener))
        self._stop = threading.Event()  # a new one: an old thread that hung in the driver must not wake up again
        self._read(*readers, self._stop, rates=False)
        self._thread = threading.Thread(target=self._run, args=(*readers, self._stop), name="memory-sampler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        hangs = False
        if self._thread is not None:
            self._thread.join(timeout=EXIT_TIMEOUT)  # a driver call that hangs must not hold up the end of a run
            hangs = self._thread.is_alive()
        self._whole.close()
        if self._initialised and not hangs:
            with contextlib.suppress(Exception):  # nothing is lost when the driver does not say goodbye
                self._nvml.nvmlShutdown()
        self._initialised = False

    @property
    def errors(self) -> int:
        """Driver calls and listeners that failed so far."""
        return self._errors.count

    @property
    def last_error(self) -> str | None:
        """The newest of them in words, None without one."""
        return self._errors.last

    def latest(self) -> MemoryReading | None:
        """The newest sample. Never None inside the `with` block, unless not even the resident memory can be read."""
        return self._memory.latest

    def reset_peak(self) -> None:
        """Begin a new window of `peak`."""
        self._memory.reset_peak()

    def peak(self) -> MemoryReading | None:
        """The greatest sample since `reset_peak`, the newest included, of the best source among them (see `memory`)."""
        return self._memory.peak()

    def energy(self) -> float | None:
        """Joules that the visible GPUs have drawn, as their drivers count them; None without a GPU, and where one does not count.

        Fulfils `vreason.meters.EnergyMeter`. Asked by whoever calls, not by the sampler's thread: a sample's beginning and end are moments.
        """
        if not self._gpus:
            return None
        drawn = [query.put(time.monotonic(), Reading(gpu.device, gpu.name)) for gpu, query in zip(self._gpus, self._counters, strict=True)]
        return sum(each for each in drawn if each is not None) if None not in drawn else None

    def device_names(self) -> list[str]:
        """Names of the visible GPUs, such as "NVIDIA H100 80GB HBM3"; empty without a driver or a visible GPU."""
        return [gpu.name for gpu in self._gpus]

    @contextmanager
    def listening(self, listener: DeviceListener, second: int = 0) -> Iterator[None]:
        """Tell `listener` of the devices during a `with` block; `DeviceRecord.second` counts from its beginning.

        It is called from the sampler's thread, and once more, for the rest of the last window, from the thread that leaves the block,
        before the block is left; never by both at once. It must not wait.

        Args:
            listener: told of each window of each device.
            second: to count from, for a listener that goes on with an earlier series.
        """
        windows = Windows(listener, self._errors, second)
        with self._lock:
            self._listening = (*self._listening, windows)
        try:
            yield
        finally:
            with self._lock:
                self._listening = tuple(other for other in self._listening if other is not windows)
            windows.close()

    def _find_gpus(self) -> list[Gpu]:
        """The visible GPUs; none without a driver, which is no error."""
        try:
            if self._nvml is None:
                import pynvml

                self._nvml = pynvml
            self._nvml.nvmlInit()
            self._initialised = True
            return visible_gpus(find_gpus(self._nvml, self._failed), os.environ.get("CUDA_VISIBLE_DEVICES"))
        except Exception as error:
            if type(error).__name__ not in NO_DRIVER:
                self._failed(error, "driver")
        return []

    def _run(self, gpus: GpuReaders, host: HostReader, stop: threading.Event) -> None:
        while not stop.wait(self._interval):
            self._read(gpus, host, stop, rates=bool(self._listening))

    def _read(self, gpus: GpuReaders, host: HostReader, stop: threading.Event, rates: bool) -> None:
        """One round. The memory in use is published before the slower questions are asked."""
        now = time.monotonic()
        readings, here = gpus.memory(now), host.memory(now)
        if stop.is_set():
            return  # the driver hung, and the block has been left since
        self._memory.take(readings, here)
        if rates:
            gpus.rates(now, readings)
        for windows in self._listening:
            windows.add([*readings, here])

    def _failed(self, error: Exception, where: str) -> None:
        self._errors.add(error, where, GOING_ON)
