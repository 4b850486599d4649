"""What is known of one device: at one moment (`Reading`), and over one window of time (`DeviceRecord`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Reading:
    """One device at one moment. None: the device does not say, failed, or was not asked this time.

    Attributes:
        device: "gpu.0" with NVML's index, or "host".
        name: the product, such as "NVIDIA H100 80GB HBM3"; the host's is its processor architecture.
        process_bytes: memory of this process on the GPU.
        device_bytes: memory in use on the GPU, whoever uses it.
        utilization_percent: share of the driver's newest sample period in which a kernel ran.
        power_watts: power drawn by the whole board.
        rss_bytes: resident memory of this process, "host" only.
        errors: questions that failed this time.
    """

    device: str
    name: str
    process_bytes: int | None = None
    device_bytes: int | None = None
    utilization_percent: float | None = None
    power_watts: float | None = None
    rss_bytes: int | None = None
    errors: int = 0


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One device over one window of time: the greatest of each quantity, None where no reading had it.

    Attributes:
        device, name: as in `Reading`.
        started_ms, timestamp_ms: beginning and end of the window, Unix time in milliseconds.
        second: whole seconds from the beginning of listening to the beginning of the window; no two windows of a device share it.
        process_bytes, device_bytes, utilization_percent, power_watts, rss_bytes: as in `Reading`, the maximum over the window.
        samples: readings in the window in which the device answered anything.
        errors: questions that failed in the window.
    """

    device: str
    name: str
    started_ms: int
    timestamp_ms: int
    second: int
    process_bytes: int | None
    device_bytes: int | None
    utilization_percent: float | None
    power_watts: float | None
    rss_bytes: int | None
    samples: int
    errors: int


DeviceListener = Callable[[DeviceRecord], None]
"""Told of each finished window. It must not wait: the next reading is taken after it."""
