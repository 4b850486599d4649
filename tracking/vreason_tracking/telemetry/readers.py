"""Asking the devices: the GPUs through NVML, the host through psutil. A failure costs one answer and is counted; nothing here raises."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import psutil

from vreason_tracking.telemetry.devices import Reading
from vreason_tracking.telemetry.error_counter import ErrorCounter
from vreason_tracking.telemetry.gpus import Gpu

STRIKES = 20  # failures in a row after which a question rests
REST = 10.0  # seconds until a question that rests is asked again
RATES = 0.5  # seconds between two questions for utilisation or power: the driver takes milliseconds, and renews them no faster than 1/6 s
GOING_ON = "going on with what still answers. Check `nvidia-smi` and `vreason-track doctor`"

Answer = TypeVar("Answer")


class DeviceQuery(Generic[Answer]):
    """One question to one device, asked again and again.

    One that the device does not support (`NVMLError_NotSupported`) is never asked again; one that failed `STRIKES` times in a row rests
    for `REST` seconds.

    Args:
        where: device and quantity, for the message.
        ask: gives the answer, or raises.
        errors: where failures are counted.
        every: least seconds between two askings.
        optional: many devices do not support it: that is no failure.
    """

    def __init__(self, where: str, ask: Callable[[], Answer], errors: ErrorCounter, every: float = 0.0, optional: bool = False) -> None:
        self._where, self._ask, self._errors, self._every, self._optional = where, ask, errors, every, optional
        self._strikes = 0
        self._next = float("-inf")

    def put(self, now: float, reading: Reading) -> Answer | None:
        """The answer; None when it failed, which is counted in `reading`, or is not due at `now` (seconds, monotonic)."""
        if now < self._next:
            return None
        self._next = now + self._every
        try:
            answer = self._ask()
        except Exception as error:
            if self._failed(error, now):
                reading.errors += 1
            return None
        self._strikes = 0
        return answer

    def _failed(self, error: Exception, now: float) -> bool:
        """Whether this counts as a failure."""
        unsupported = type(error).__name__ == "NVMLError_NotSupported"
        self._strikes += 1
        if unsupported:
            self._next = float("inf")
        elif self._strikes >= STRIKES:
            self._next = now + REST
        if unsupported and self._optional:
            return False
        self._errors.add(error, self._where, GOING_ON)
        return True


class GpuReader:
    """The questions to one GPU.

    Args:
        nvml: pynvml, initialised.
        gpu: whom to ask.
        pid: the process whose memory counts.
        errors: where failures are counted.
    """

    def __init__(self, nvml: Any, gpu: Gpu, pid: int, errors: ErrorCounter) -> None:
        self.gpu, handle = gpu, gpu.handle

        def listed() -> list[int | None]:
            return [entry.usedGpuMemory for entry in nvml.nvmlDeviceGetComputeRunningProcesses(handle) if entry.pid == pid]

        def used() -> int:
            return int(nvml.nvmlDeviceGetMemoryInfo(handle).used)

        def busy() -> float:
            return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)

        def watts() -> float:
            return float(nvml.nvmlDeviceGetPowerUsage(handle)) / 1000  # NVML gives milliwatts

        self.processes = DeviceQuery(f"{gpu.device} process memory", listed, errors)
        self.used = DeviceQuery(f"{gpu.device} device memory", used, errors)
        self.utilization = DeviceQuery(f"{gpu.device} utilization", busy, errors, RATES, optional=True)
        self.power = DeviceQuery(f"{gpu.device} power", watts, errors, RATES, optional=True)


def energy_query(nvml: Any, gpu: Gpu, errors: ErrorCounter) -> DeviceQuery[float]:
    """Joules that a GPU has drawn since its driver was loaded (Volta and later)."""

    def joules() -> float:
        return float(nvml.nvmlDeviceGetTotalEnergyConsumption(gpu.handle)) / 1000  # NVML gives millijoules

    return DeviceQuery(f"{gpu.device} energy", joules, errors, optional=True)


class GpuReaders:
    """All GPUs, asked together: only together do they tell whether the driver shows this process at all."""

    def __init__(self, nvml: Any, gpus: list[Gpu], pid: int, errors: ErrorCounter) -> None:
        self._readers = [GpuReader(nvml, gpu, pid, errors) for gpu in gpus]
        self._shown = False  # the driver has shown this process once: from then on, absent means 0 bytes

    def memory(self, now: float) -> list[Reading]:
        """A new reading of each GPU, with its memory.

        `process_bytes` is None while the driver hides this process or its bytes, as it does in most containers; 0 where the driver shows
        the process on another GPU, or has shown it before. A process that is listed with 0 bytes is one whose bytes are hidden: CUDA's
        own context takes more.
        """
        readings, listed = [], []
        for reader in self._readers:
            reading = Reading(reader.gpu.device, reader.gpu.name)
            listed.append(reader.processes.put(now, reading))
            reading.device_bytes = reader.used.put(now, reading)
            readings.append(reading)
        self._shown = self._shown or any(own and all(own) for own in listed)
        for reading, own in zip(readings, listed, strict=True):
            reading.process_bytes = self._sum(own)
        return readings

    def rates(self, now: float, readings: list[Reading]) -> None:
        """Fill utilisation and power in, where they are due."""
        for reader, reading in zip(self._readers, readings, strict=True):
            reading.utilization_percent = reader.utilization.put(now, reading)
            reading.power_watts = reader.power.put(now, reading)

    def _sum(self, own: list[int | None] | None) -> int | None:
        """Bytes of this process out of its entries in one GPU's list; there may be one a MIG instance."""
        if own is None:
            return None
        if not own:
            return 0 if self._shown else None
        return sum(used or 0 for used in own) if all(own) else None


class HostReader:
    """Resident memory of this process."""

    def __init__(self, errors: ErrorCounter) -> None:
        process = psutil.Process()
        self._rss = DeviceQuery("host resident memory", lambda: int(process.memory_info().rss), errors)
        self._name = platform.machine()

    def memory(self, now: float) -> Reading:
        """A new reading."""
        reading = Reading("host", self._name)
        reading.rss_bytes = self._rss.put(now, reading)
        return reading
