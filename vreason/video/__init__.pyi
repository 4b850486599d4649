from .config import VideoConfig as VideoConfig
from .frames import VideoFrames as VideoFrames, frame_indices as frame_indices, read_video as read_video
