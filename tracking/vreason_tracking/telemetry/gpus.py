"""Which NVIDIA GPUs there are, and which of them CUDA will use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NO_DRIVER = ("NVMLError_LibraryNotFound", "NVMLError_DriverNotLoaded")  # what nvmlInit raises where there is no NVIDIA driver


@dataclass(frozen=True)
class Gpu:
    """One GPU as NVML knows it. `index` is NVML's, in PCI bus order."""

    index: int
    uuid: str
    name: str
    handle: Any

    @property
    def device(self) -> str:
        """The device's name in the record, such as "gpu.0"."""
        return f"gpu.{self.index}"


def find_gpus(nvml: Any, failed: Callable[[Exception, str], None]) -> list[Gpu]:
    """All GPUs of an initialised driver, hidden ones too. One that does not answer is left out and reported to `failed`.

    Raises:
        NVMLError: the driver does not say how many there are.
    """
    found = []
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            found.append(Gpu(index, nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle), handle))
        except Exception as error:  # one lost GPU must not hide the others
            failed(error, f"gpu.{index}")
    return found


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
