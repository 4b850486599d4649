from .config import ControllerConfig as ControllerConfig, PruningConfig as PruningConfig, VReasonConfig as VReasonConfig
from .events import DecodeObserver as DecodeObserver, PrefillRecord as PrefillRecord, SampleRecord as SampleRecord, StepRecord as StepRecord
from .generation import decode as decode

__version__: str
