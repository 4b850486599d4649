"""An NVML driver with GPUs that a test sets up: pynvml's own structures and errors, other numbers.

Only the functions that this project calls; `tests/tracking/test_telemetry.py` holds their signatures against pynvml's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pynvml

MIB = 1024 * 1024


@dataclass
class FakeGpu:
    """One GPU. `processes` is (pid, bytes or None) as the driver lists them; `used` is whole-device memory, bytes."""

    name: str = "NVIDIA H100 80GB HBM3"
    uuid: str = "GPU-00000000-0000-0000-0000-000000000000"
    used: int = 0
    total: int = 80 * 1024 * MIB
    processes: list[tuple[int, int | None]] = field(default_factory=list)


class FakeNvml:
    """Stands where the module pynvml does. `faults` maps a function's name to the NVML error code that it raises from now on."""

    def __init__(self, *gpus: FakeGpu, faults: dict[str, int] | None = None) -> None:
        self.gpus = list(gpus)
        self.faults = dict(faults or {})
        self.calls: dict[str, int] = {}
        self.initialised = 0

    def _called(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        if name in self.faults:
            raise pynvml.NVMLError(self.faults[name])  # becomes the subclass of that code, as in pynvml
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
        self._called("nvmlDeviceGetHandleByIndex")
        return self.gpus[index]

    def nvmlDeviceGetName(self, handle: FakeGpu) -> str:
        """Text, as pynvml decodes it."""
        self._called("nvmlDeviceGetName")
        return handle.name

    def nvmlDeviceGetUUID(self, handle: FakeGpu) -> str:
        """Text, as pynvml decodes it."""
        self._called("nvmlDeviceGetUUID")
        return handle.uuid

    def nvmlDeviceGetMemoryInfo(self, handle: FakeGpu, version: Any = None) -> Any:
        """pynvml's own structure, bytes."""
        self._called("nvmlDeviceGetMemoryInfo")
        return pynvml.c_nvmlMemory_t(total=handle.total, free=handle.total - handle.used, used=handle.used)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: FakeGpu) -> list[Any]:
        """pynvml's own "friendly objects", with `usedGpuMemory` None where the driver does not tell."""
        self._called("nvmlDeviceGetComputeRunningProcesses")
        entries = []
        for pid, used in handle.processes:
            entry = pynvml.nvmlStructToFriendlyObject(pynvml.c_nvmlProcessInfo_v2_t(pid=pid, usedGpuMemory=used or 0))
            entry.usedGpuMemory = used
            entries.append(entry)
        return entries


def own(used: int | None) -> tuple[int, int | None]:
    """A process list's entry for this process."""
    return os.getpid(), used
