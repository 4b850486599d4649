"""A video file becomes frames: which ones to take, and how they come back.

decord decodes. On some files it hangs, and on many damaged ones it shows wrong pictures without an error. `decoder_worker` therefore
decodes in a process of its own, which `decoder_process` starts, times and replaces. This module needs neither decord nor torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.video.config import VideoConfig

TEMPORAL_PATCH = 2  # frames that the vision tower merges into one: an even number of frames is taken


@dataclass(frozen=True)
class VideoFrames:
    """Frames out of one clip.

    Attributes:
        path: the file, as the caller named it.
        pixels: RGB, 0 to 255, shape (T, H, W, 3), turned upright where the file asks for it.
        indices: their frame numbers in the clip, from 0, in the order in which they are shown.
        times: when each is shown, seconds from the clip's first frame; decord's presentation times, held as 32-bit floats.
        fps: frames a second of the clip, on average.
        total_frames: frames in the clip.
        duration: of the clip, seconds.
    """

    path: str
    pixels: NDArray[np.uint8]
    indices: tuple[int, ...]
    times: tuple[float, ...]
    fps: float
    total_frames: int
    duration: float

    @property
    def seconds_per_frame(self) -> float:
        """Mean interval between the frames taken, seconds; 1 / fps for a single one."""
        if len(self.times) < 2:
            return 1.0 / self.fps
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)


def frame_indices(total_frames: int, fps: float, config: VideoConfig) -> list[int]:
    """Numbers of the frames to take from a clip of `total_frames` at `fps` frames a second.

    Evenly spread, first and last included, ascending, without repeats; an even count from a clip of at least two frames, because the
    vision tower merges pairs. A clip shorter than the count asked for gives all its frames, one fewer when that is odd.
    """
    if total_frames < TEMPORAL_PATCH:
        return list(range(total_frames))
    if config.nframes is not None:
        wanted = config.nframes
    else:
        # fps is set when nframes is not; the small term keeps 2.9999999 frames, a float's 3, from becoming 2
        wanted = int(total_frames / fps * (config.fps or 0.0) + 1e-6)
        wanted = min(max(wanted, config.min_frames), config.max_frames)
    count = max(TEMPORAL_PATCH, min(wanted, total_frames) // TEMPORAL_PATCH * TEMPORAL_PATCH)
    return [int(index) for index in np.linspace(0, total_frames - 1, count).round()]


def read_video(path: str | os.PathLike[str], config: VideoConfig) -> VideoFrames:
    """Read the frames that `config` asks for. Safe to call from several threads, which then take turns.

    Raises:
        VideoError: the file is missing, empty, not a video, truncated or damaged, or took longer than `config.timeout`.
    """
    from vreason.video.decoder_process import decoder

    name = os.fspath(path)
    reply, pixels = decoder().decode(name, request(name, config), config.timeout)
    return VideoFrames(name, pixels, tuple(reply["indices"]), tuple(reply["times"]), reply["fps"], reply["total_frames"], reply["duration"])


def request(path: str, config: VideoConfig) -> dict[str, Any]:
    """What the decoding process is asked; the path is made absolute, because that process keeps the folder it was started in."""
    return {"path": os.path.abspath(path), "config": asdict(config)}


def requested(message: Mapping[str, Any]) -> tuple[str, VideoConfig]:
    """The inverse of `request`."""
    return message["path"], VideoConfig(**message["config"])
