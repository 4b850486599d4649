from .config import ControllerConfig as ControllerConfig, PruningConfig as PruningConfig, VReasonConfig as VReasonConfig
from .events import PrefillRecord as PrefillRecord, SampleRecord as SampleRecord, StepRecord as StepRecord
from .generation.decoding import decode as decode
from .listeners import Listener as Listener

__version__: str
