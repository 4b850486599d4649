"""How much memory a run uses, sampled from a thread of its own: the decoding loop reads the newest sample and never waits.

Where the bytes come from, best first; the source travels with every sample:

    nvml:process   memory of this process on the visible NVIDIA GPUs, summed
    nvml:device    memory in use on those GPUs by anybody, summed: the driver does not show this process (usual in containers)
    rss            resident memory of this process: no driver, no visible GPU, or NVML stopped answering

A GPU can be hidden with CUDA_VISIBLE_DEVICES; an empty value makes the sampler read "rss".
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import psutil

INTERVAL = 0.05  # seconds between two samples
STRIKES = 20  # failures in a row after which a source that used to answer is given up; one second at the default interval
NO_DRIVER = ("NVMLError_LibraryNotFound", "NVMLError_DriverNotLoaded")  # what nvmlInit raises where there is no NVIDIA driver

Sample = tuple[int, str]
"""Bytes in use, and their source."""


@dataclass(frozen=True)
class Gpu:
    """One GPU as NVML knows it. `index` is NVML's, in PCI bus order."""

    index: int
    uuid: str
    name: str
    handle: Any


def visible_gpus(gpus: list[Gpu], setting: str | None) -> list[Gpu]:
    """The GPUs that CUDA will use under `setting`, the value of CUDA_VISIBLE_DEVICES (None: not set).

    Indices and GPU UUIDs (or their beginnings) are followed as CUDA does: in order, up to the first that does not exist. Anything else
    (MIG instances) is ignored and all GPUs are returned. CUDA counts the fastest GPU first unless CUDA_DEVICE_ORDER=PCI_BUS_ID, NVML by
    PCI bus: on machines with different GPUs, name them by UUID.
    """
    if setting is None:
        return gpus
    tokens = list(itertools.takewhile(bool, (token.strip() for token in setting.split(","))))
    if not all(re.fullmatch(r"-?\d+|GPU-[0-9a-fA-F-]*", token) for token in tokens):
        return gpus
    chosen: list[Gpu] = []
    for token in tokens:
        named = [gpu for gpu in gpus if (gpu.uuid.startswith(token) if token.startswith("GPU-") else gpu.index == int(token))]
        if len(named) != 1:
            break
        if named[0] not in chosen:
            chosen.append(named[0])
    return chosen


class GpuMemory:
    """Reads the memory of a list of GPUs through NVML. Every method may raise `nvml.NVMLError`.

    Args:
        nvml: pynvml, initialised.
        gpus: the GPUs to sum over.
        pid: the process whose memory counts.
    """

    def __init__(self, nvml: Any, gpus: list[Gpu], pid: int) -> None:
        self._nvml, self._gpus, self._pid = nvml, gpus, pid
        self._seen = False  # the driver has shown this process once: from then on, absent means 0 bytes

    def process(self) -> Sample | None:
        """Memory of this process; None when the driver shows neither the process nor its memory."""
        entries = [
            entry.usedGpuMemory
            for gpu in self._gpus
            for entry in self._nvml.nvmlDeviceGetComputeRunningProcesses(gpu.handle)
            if entry.pid == self._pid
        ]
        if any(used is None for used in entries) or not (entries or self._seen):
            return None
        self._seen = True
        return sum(entries), "nvml:process"

    def device(self) -> Sample:
        """Memory in use on the GPUs, whoever uses it."""
        return sum(int(self._nvml.nvmlDeviceGetMemoryInfo(gpu.handle).used) for gpu in self._gpus), "nvml:device"


def resident_memory() -> Sample:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss), "rss"


@dataclass(eq=False)
class _Reader:
    """One source and how it has done so far."""

    read: Callable[[], Sample | None]
    worked: bool = False
    strikes: int = 0  # failures since it last worked


class MemorySampler:
    """Samples the memory in use every `interval` seconds while the `with` block runs. Fulfils `vreason.events.MemoryMeter`.

    A failing call costs one sample, is counted in `errors`, and is warned about once; a source that has never answered, or that failed
    `STRIKES` times in a row, gives way to the next one. `latest`, `peak` and `reset_peak` take no lock.

    Args:
        interval: seconds between two samples.
        nvml: pynvml or a module like it; None imports pynvml.

    Attributes:
        errors: calls that failed so far.
        last_error: the newest of them in words, None without one.

    Raises:
        ValueError: `interval` is not above 0.
    """

    def __init__(self, interval: float = INTERVAL, nvml: Any = None) -> None:
        if not interval > 0:
            raise ValueError(f"interval: {interval!r} is not above 0; give seconds between two samples, such as {INTERVAL}")
        self._interval, self._nvml = interval, nvml
        self.errors = 0
        self.last_error: str | None = None
        self._gpus: list[Gpu] = []
        self._readers: list[_Reader] = []
        self._initialised = False
        self._latest: Sample | None = None
        # Greatest bytes by source: sources measure different things and must not outbid each other. A new window is a new dict, so that a
        # sample on its way into the old one cannot spoil the new one; that replaces a lock.
        self._window: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> MemorySampler:
        self._gpus = []
        self._readers = [*self._gpu_readers(), _Reader(resident_memory)]
        self._sample()
        self._stop = threading.Event()  # a new one: an old thread that hung in the driver must not wake up again
        self._thread = threading.Thread(target=self._run, args=(self._stop,), name="memory-sampler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)  # a driver call that hangs must not hold up the end of a run
        if self._initialised:
            self._initialised = False
            with contextlib.suppress(Exception):  # nothing is lost when the driver does not say goodbye
                self._nvml.nvmlShutdown()

    def latest(self) -> Sample | None:
        """The newest sample. Never None inside the `with` block, unless not even the resident memory can be read."""
        return self._latest

    def reset_peak(self) -> None:
        """Begin a new window."""
        self._window = {}

    def peak(self) -> Sample | None:
        """The greatest sample since `reset_peak` among those of the newest sample's source, the newest included."""
        window, newest = self._window, self._latest
        if newest is None:
            return None
        used, source = newest
        return max(used, window.get(source, 0)), source

    def device_names(self) -> list[str]:
        """Names of the GPUs that are summed over, such as "NVIDIA H100 80GB HBM3"; empty without a driver or a visible GPU."""
        return [gpu.name for gpu in self._gpus]

    def _gpu_readers(self) -> list[_Reader]:
        """Sources that need the driver; none without one, which is no error."""
        try:
            if self._nvml is None:
                import pynvml

                self._nvml = pynvml
            self._nvml.nvmlInit()
            self._initialised = True
            self._gpus = visible_gpus(self._all_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
        except Exception as error:
            if type(error).__name__ not in NO_DRIVER:
                self._failed(error)
        if not self._gpus:
            return []
        memory = GpuMemory(self._nvml, self._gpus, os.getpid())
        return [_Reader(memory.process), _Reader(memory.device)]

    def _all_gpus(self) -> list[Gpu]:
        found = []
        for index in range(self._nvml.nvmlDeviceGetCount()):
            try:
                handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
                found.append(Gpu(index, self._nvml.nvmlDeviceGetUUID(handle), self._nvml.nvmlDeviceGetName(handle), handle))
            except Exception as error:  # one lost GPU must not hide the others
                self._failed(error)
        return found

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self._interval):
            self._sample()

    def _sample(self) -> None:
        """Ask the sources, best first, until one answers. Never raises."""
        for reader in list(self._readers):
            try:
                found = reader.read()
            except Exception as error:
                self._failed(error)
                reader.strikes += 1
                if reader.worked and reader.strikes < STRIKES:
                    return  # it will come back; a sample from another source would only confuse the curve
                if len(self._readers) > 1:
                    self._readers.remove(reader)
                continue
            reader.worked, reader.strikes = True, 0
            if found is not None:
                window, (used, source) = self._window, found
                window[source] = max(used, window.get(source, 0))
                self._latest = found
                return

    def _failed(self, error: Exception) -> None:
        self.errors += 1
        self.last_error = f"{type(error).__name__}: {error}"
        if self.errors == 1:
            with contextlib.suppress(RuntimeWarning):  # "warnings as errors" must not end the thread
                warnings.warn(
                    f"memory sampling: {self.last_error}; going on with what still answers. Check `nvidia-smi` and `vreason-track doctor`",
                    RuntimeWarning,
                    stacklevel=2,
                )
