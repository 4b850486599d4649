"""How much memory, power and time of its devices a run uses, sampled from a thread of its own.

`sampler.py` is the thread; `gpus.py` finds the GPUs, `readers.py` asks them, `memory.py` makes the one number of memory in use out of the
answers, `windows.py` gathers them into a `devices.DeviceRecord` a device and window. What each number means: docs/telemetry.md.
"""

from vreason_tracking.telemetry.devices import DeviceListener, DeviceRecord
from vreason_tracking.telemetry.gpus import NO_DRIVER, Gpu, visible_gpus
from vreason_tracking.telemetry.memory import SOURCES, best_source
from vreason_tracking.telemetry.sampler import MemorySampler

__all__ = ["NO_DRIVER", "SOURCES", "DeviceListener", "DeviceRecord", "Gpu", "MemorySampler", "best_source", "visible_gpus"]
