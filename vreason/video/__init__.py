"""From a video file to frames, read in a process that can be killed."""
