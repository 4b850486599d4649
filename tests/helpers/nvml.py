"""An NVML driver with GPUs that a test sets up: pynvml's own structures and errors, other numbers.

Only the functions that this project calls; `tests/tracking/telemetry/test_readers.py` holds their signatures against pynvml's.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any

import pynvml

MIB = 1024 * 1024
PROCESS_LIST = "nvmlDeviceGetComputeRunningProcesses"
MEMORY_INFO = "nvmlDeviceGetMemoryInfo"
UTILIZATION = "nvmlDeviceGetUtilizationRates"
POWER = "nvmlDeviceGetPowerUsage"
ENERGY = "nvmlDeviceGetTotalEnergyConsumption"


@dataclass
class FakeGpu:
    """One GPU.

    `processes` is (pid, bytes or None) as the driver lists them; `used` is whole-device memory, bytes; `busy` is per cent of the time that
    kernels ran, `milliwatts` the power drawn, `millijoules` the energy so far. `faults` are this GPU's own, as those of `FakeNvml` are
    everybody's.
    """

    name: str = "NVIDIA H100 80GB HBM3"
    uuid: str = "GPU-00000000-0000-0000-0000-000000000000"
    used: int = 0
    total: int = 80 * 1024 * MIB
    processes: list[tuple[int, int | None]] = field(default_factory=list)
    busy: int = 0
    milliwatts: int = 0
    millijoules: int = 0
    faults: dict[str, int] = field(default_factory=dict)


class FakeNvml:
    """Stands where the module pynvml does. `faults` maps a function's name to the NVML error code that it raises from now on."""

    def __init__(self, *gpus: FakeGpu, faults: dict[str, int] | None = None) -> None:
        self.gpus = list(gpus)
        self.faults = dict(faults or {})
        self.calls: dict[str, int] = {}
        self.initialised = 0

    def _called(self, name: str, gpu: FakeGpu | None = None) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        faults = self.faults | (gpu.faults if gpu else {})
        if name in faults:
            raise pynvml.NVMLError(faults[name])  # becomes the subclass of that code, as in pynvml
        if name != "nvmlInit" and not self.initialised:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_UNINITIALIZED)

    def nvmlInit(self) -> None:
        """Counted, like the real one."""
        self._called("nvmlInit")
        self.initialised += 1

    def nvmlShutdown(self) -> None:
        """Undoes one `nvmlInit`."""
        self._called("nvmlShutdown")
        self.initialised -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        """A version of the usual form."""
        self._called("nvmlSystemGetDriverVersion")
        return "570.86.15"

    def nvmlDeviceGetCount(self) -> int:
        """Number of GPUs."""
        self._called("nvmlDeviceGetCount")
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:
        """The GPU itself serves as its handle."""
        self._called("nvmlDeviceGetHandleByIndex", self.gpus[index])
        return self.gpus[index]

    def nvmlDeviceGetName(self, handle: FakeGpu) -> str:
        """Text, as pynvml decodes it."""
        self._called("nvmlDeviceGetName", handle)
        return handle.name

    def nvmlDeviceGetUUID(self, handle: FakeGpu) -> str:
        """Text, as pynvml decodes it."""
        self._called("nvmlDeviceGetUUID", handle)
        return handle.uuid

    def nvmlDeviceGetMemoryInfo(self, handle: FakeGpu, version: Any = None) -> Any:
        """pynvml's own structure, bytes."""
        self._called("nvmlDeviceGetMemoryInfo", handle)
        return pynvml.c_nvmlMemory_t(total=handle.total, free=handle.total - handle.used, used=handle.used)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: FakeGpu) -> list[Any]:
        """pynvml's own "friendly objects", with `usedGpuMemory` None where the driver does not tell."""
        self._called("nvmlDeviceGetComputeRunningProcesses", handle)
        entries = []
        for pid, used in handle.processes:
            entry = pynvml.nvmlStructToFriendlyObject(pynvml.c_nvmlProcessInfo_v2_t(pid=pid, usedGpuMemory=used or 0))
            entry.usedGpuMemory = used
            entries.append(entry)
        return entries

    def nvmlDeviceGetUtilizationRates(self, handle: FakeGpu) -> Any:
        """pynvml's own structure, whole per cent."""
        self._called("nvmlDeviceGetUtilizationRates", handle)
        return pynvml.c_nvmlUtilization_t(gpu=handle.busy, memory=handle.busy // 2)

    def nvmlDeviceGetPowerUsage(self, handle: FakeGpu) -> int:
        """Milliwatts."""
        self._called("nvmlDeviceGetPowerUsage", handle)
        return handle.milliwatts

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: FakeGpu) -> int:
        """Millijoules since the driver was loaded."""
        self._called("nvmlDeviceGetTotalEnergyConsumption", handle)
        return handle.millijoules


def own(used: int | None) -> tuple[int, int | None]:
    """A process list's entry for this process."""
    return os.getpid(), used


def no_driver() -> FakeNvml:
    """What a machine without an NVIDIA driver answers."""
    return FakeNvml(faults={"nvmlInit": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND})


class HangingNvml(FakeNvml):
    """The second process list hangs until `release` is set; `inside` tells that it does."""

    def __init__(self, *gpus: FakeGpu) -> None:
        super().__init__(*gpus)
        self.inside, self.release = threading.Event(), threading.Event()

    def nvmlDeviceGetComputeRunningProcesses(self, handle: FakeGpu) -> list[Any]:
        """What the list is when the hanging ends."""
        if self.calls.get(PROCESS_LIST):
            self.inside.set()
            self.release.wait(60)
        return super().nvmlDeviceGetComputeRunningProcesses(handle)
