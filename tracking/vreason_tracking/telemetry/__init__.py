"""How much memory, power and time of its devices a run uses, sampled from a thread of its own.

`sampler.py` is the thread; `gpus.py` finds the GPUs, `readers.py` asks them, `memory.py` makes the one number of memory in use out of the
answers, `windows.py` gathers them into a `devices.DeviceRecord` a device and window. What each number means: docs/telemetry.md.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
