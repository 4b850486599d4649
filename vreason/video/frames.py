"""A video file becomes frames: which ones to take, and how they come back.

Readers hang on some files, and on many damaged ones they show wrong pictures without an error. `decoder_worker` therefore decodes in a
process of its own, which `decoder_process` starts, times and replaces. This module needs neither decord nor PyAV nor torch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.errors import VideoError
from vreason.video.config import ClipLimits, VideoConfig

DECORD, PYAV = "decord", "pyav"  # names of the readers, in the record
_DEFAULT = VideoConfig()
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
TEMPORAL_PATCH = 2  # frames that the vision tower merges into one: an even number of frames is taken


@dataclass(frozen=True)
class VideoFrames:
    """Frames out of one clip.

    Attributes:
        path: the file, as the caller named it.
        pixels: RGB, 0 to 255, shape (T, H, W, 3), turned upright where the file asks for it.
        indices: their frame numbers in the clip, from 0, in the order in which they are shown.
        times: when each is shown, seconds from the clip's first frame: the container's presentation times, exact.
        fps: frames a second of the clip, on average.
        total_frames: frames in the clip.
        duration: of the clip, seconds.
        reader: "decord" or "pyav".
    """

    path: str
    pixels: NDArray[np.uint8]
    indices: tuple[int, ...]
    times: tuple[float, ...]
    fps: float
    total_frames: int
    duration: float
    reader: str = ""

    @property
    def seconds_per_frame(self) -> float:
        """Mean interval between the frames taken, seconds; 1 / fps for a single one."""
        if len(self.times) < 2:
            return 1.0 / self.fps
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)

    @property
    def uneven_seconds(self) -> float:
        """Greatest distance, seconds, between when a frame is shown and when it would be if the frames taken were evenly spaced."""
        even = np.linspace(self.times[0], self.times[-1], len(self.times))
        return float(np.abs(np.asarray(self.times) - even).max())


def frame_indices(total_frames: int, fps: float, config: VideoConfig, times: NDArray[np.float64] | None = None) -> list[int]:
    """Numbers of the frames to take from a clip of `total_frames` at `fps` frames a second.

    Evenly spread, first and last included, ascending, without repeats; an even count from a clip of at least two frames, because the
    vision tower merges pairs. A clip shorter than the count asked for gives all its frames, one fewer when that is odd. `config.nframes`
    spreads them by their numbers, as the field does, `config.fps` by their times.

    Args:
        total_frames: in the clip.
        fps: its mean rate.
        config: how many are wanted.
        times: when each frame is shown, seconds; None where they are evenly spaced.
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
    if config.nframes is None and times is not None and not _even(times):
        return _by_time(times, count)
    return [int(index) for index in np.linspace(0, total_frames - 1, count).round()]


def _even(times: NDArray[np.float64]) -> bool:
    """Whether frames are evenly spaced, but for the rounding of a container that counts in milliseconds."""
    return bool(np.abs(times - np.linspace(times[0], times[-1], len(times))).max() <= 1.5e-3)


def _by_time(times: NDArray[np.float64], count: int) -> list[int]:
    """The frames shown at `count` evenly spaced times; fewer, an even number, where one frame is shown at several of them."""
    found = sorted({int(np.searchsorted(times, each + 1e-9, side="right")) - 1 for each in np.linspace(times[0], times[-1], count)})
    if len(found) < TEMPORAL_PATCH:
        return [0, len(times) - 1]
    if len(found) % TEMPORAL_PATCH:  # the one goes that is nearest to the one before it
        del found[1 + int(np.argmin(np.diff(times[found])[:-1]))]
    return found


def read_video(path: str | os.PathLike[str], config: VideoConfig = _DEFAULT, limits: ClipLimits | None = None) -> VideoFrames:
    """Read the frames that `config` asks for. Safe to call from several threads, which then take turns.

    Args:
        path: the file.
        config: which frames; 16, evenly spread, unless it says otherwise.
        limits: what the clip may come to; None allows any that fits into memory.

    Raises:
        VideoError: the file is missing, empty, not a video, truncated or damaged, beyond the limits, or took longer than `config.timeout`.
        VideoUnavailableError: it cannot be read now, for a reason that says nothing about the file.
        ReaderError: no video can be read here.
    """
    from vreason.video.decoder_process import decoder

    name = _name(path)
    reply, pixels = decoder().decode(name, request(name, config, limits), config.timeout)
    told = {field: reply[field] for field in ("fps", "total_frames", "duration", "reader")}
    return VideoFrames(name, pixels, tuple(reply["indices"]), tuple(reply["times"]), **told)


def probe_video(path: str | os.PathLike[str], timeout: float) -> None:
    """Look whether a file is there and begins as a video that can be decoded, without decoding it: damage further on is not seen.

    Args:
        path: the file.
        timeout: seconds that this may take.

    Raises:
        VideoError: it is missing, empty, not a video, truncated by its own declaration, or nothing here decodes its codec.
        VideoUnavailableError: it cannot be read now.
        ReaderError: no video can be read here.
    """
    from vreason.video.decoder_process import decoder

    decoder().probe(_name(path), {"probe": os.path.abspath(path), "timeout": timeout}, timeout)


def _name(path: str | os.PathLike[str]) -> str:
    """The path as text.

    Raises:
        VideoError: it is an address.
    """
    name = os.fspath(path)
    if _ADDRESS.match(name):
        raise VideoError(name, "is an address, and videos are read from files; download it, and name the file by its path")
    return name


def request(path: str, config: VideoConfig, limits: ClipLimits | None = None) -> dict[str, Any]:
    """What the decoding process is asked; the path is made absolute, because that process keeps the folder it was started in."""
    return {"path": os.path.abspath(path), "config": asdict(config), "limits": asdict(limits or ClipLimits())}


def requested(message: Mapping[str, Any]) -> tuple[str, VideoConfig, ClipLimits]:
    """The inverse of `request`."""
    return message["path"], VideoConfig(**message["config"]), ClipLimits(**message["limits"])
