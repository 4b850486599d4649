from .frames import VideoConfig as VideoConfig, VideoFrames as VideoFrames, frame_indices as frame_indices, read_video as read_video
