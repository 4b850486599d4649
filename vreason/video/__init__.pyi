from .config import ClipLimits as ClipLimits, VideoConfig as VideoConfig
from .frames import VideoFrames as VideoFrames, frame_indices as frame_indices, probe_video as probe_video, read_video as read_video
