from .asking import Answer as Answer, Cost as Cost, ask as ask, load as load
from .config import ControllerConfig as ControllerConfig, PruningConfig as PruningConfig, VReasonConfig as VReasonConfig
from .events import PrefillRecord as PrefillRecord, SampleRecord as SampleRecord, StepRecord as StepRecord
from .generation.decoding import decode as decode
from .listeners import Listener as Listener
from .video import VideoConfig as VideoConfig, VideoFrames as VideoFrames, read_video as read_video

__version__: str
