from .devices import DeviceRecord as DeviceRecord
from .gpus import NO_DRIVER as NO_DRIVER
from .memory import best_source as best_source
from .sampler import MemorySampler as MemorySampler
