"""A clip in decord's hands: how many frames it has, when each is shown, and the pixels of those asked for.

decord fills holes with other frames, counts packets that hold no picture, and seeks wrongly where frames have no times. So its filling is
switched off, short clips are played through, and in long ones its seeking is tried before it is used.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from vreason.video.config import VideoConfig
from vreason.video.container import AGAIN
from vreason.video.decoder_process import REENCODE
from vreason.video.frames import frame_indices

NO_REPLACEMENT = 1e-9  # decord's fault_tol, a share of the frames: the first frame that it would replace is an error; 0 would allow any
HELD_BACK = 2  # frames at the end that a healthy decoder may keep to itself (AVI with packed B-frames): the clip is that much shorter
IN_ORDER = 600  # clips up to this many frames are played through; longer ones are sought in
SAME_PICTURE = 8.0  # mean difference, 0 to 255
MEMORY_SHARE = 0.8  # of the free memory, for one clip's frames
THREADS = 0  # decord: as many as there are cores
Memory = tuple[dict[str, Any], BinaryIO]
# What decord says when it does not open a file, and what that means.
REFUSALS = {
    "cannot find video stream": "has no video track, or one without frames (perhaps only sound); name a file with pictures",
    "Cannot create buffer source": f"contains no frames that can be decoded; {AGAIN}, or {REENCODE}",
    "Failed to measure duration/frame-count": "contains no frames, or declares no duration (a recording that was never closed); "
    "write it anew (ffmpeg -i FILE -c copy NEW.mkv), or leave the sample out",
    "Invalid frame count": f"contains no frames; {AGAIN}",
    "Error reading": f"is not a video that FFmpeg knows, or its header is damaged; {AGAIN}, or {REENCODE}",
}


class UnusableClip(Exception):
    """Why decord cannot show a clip, in words that end with what to do."""


class DecordClip:
    """A file that decord has opened.

    Attributes:
        total: frames in it, by its index of packets.
        rate: frames a second, on average.
        duration: seconds.
        times: when each frame is shown, seconds from the first, shape (total,).
        timed: whether the file keeps usable times. If not (AVI with B-frames), frames are evenly spaced, and decord seeks wrongly.
    """

    def __init__(self, name: str) -> None:
        """Open and index the file.

        Raises:
            UnusableClip: it has no video that can be decoded.
        """
        self.name = name
        self._open()
        self.total, self.rate = len(self._reader), float(self._reader.get_avg_fps())
        stamps = self._reader.get_frame_timestamp(range(self.total)).astype(np.float64)  # (total, 2): begin, end
        rising = bool((np.diff(stamps[:, 0]) > 0).all())
        self.timed = rising and bool(np.isfinite(stamps[:, 0]).all()) and abs(stamps[0, 0]) < 1e6
        rated = 0 < self.rate < 1e5  # false for NaN
        if self.timed:
            self.times = stamps[:, 0] - stamps[0, 0]
            last, end = float(self.times[-1]), float(stamps[-1, 1] - stamps[0, 0])
            interval = last / (self.total - 1) if self.total > 1 else 1 / self.rate if rated else 1.0
            self.duration = end if last < end < last + 10 * interval else last + interval  # with a variable rate, frames may lack an end
            if not rated or abs(self.rate * self.duration / self.total - 1) > 0.01:
                self.rate = self.total / self.duration  # the container declares a rate that its times do not keep
        elif rated:
            self.times, self.duration = np.arange(self.total) / self.rate, self.total / self.rate
        else:
            raise UnusableClip(f"has neither frame times nor a frame rate; {REENCODE}")

    def _open(self) -> None:
        import decord

        try:
            self._reader = decord.VideoReader(self.name, ctx=decord.cpu(0), num_threads=THREADS, fault_tol=NO_REPLACEMENT)
        except (decord.DECORDError, RuntimeError, AssertionError) as error:
            said = str(error)
            for sign, reason in REFUSALS.items():
                if sign in said:
                    raise UnusableClip(reason) from None
            raise UnusableClip(f"cannot be decoded ({_short(said)}); {AGAIN}, or {REENCODE}") from None

    def read(self, config: VideoConfig) -> Memory:
        """Decode the frames that `config` asks for.

        Returns:
            What `VideoFrames` tells beside the pixels, with their `shape`; and memory, as a file, that holds the pixels.

        Raises:
            UnusableClip: a frame cannot be decoded.
        """
        import decord

        failures = (decord.DECORDError, decord.DECORDLimitReachedError, RuntimeError, IndexError)
        if self.timed and self.total > IN_ORDER:
            with contextlib.suppress(*failures):
                return self._filled(config, self._sought)
            self._open()
        counted = self.total
        for _ in range(2):
            try:
                return self._filled(config, self._in_order)
            except failures as error:
                if self.timed or not 0 < counted - self._shown <= HELD_BACK or self._shown == self.total:
                    short = f"its index counts {counted} frames, of which {self._shown} can be decoded"
                    why = "" if isinstance(error, decord.DECORDLimitReachedError) else f" ({_short(str(error))})"
                    raise UnusableClip(f"is truncated or damaged: {short}{why}; {AGAIN}, or {REENCODE}") from None
                self.total = self._shown
                self._open()
        raise UnusableClip(f"cannot be decoded: it shows another number of frames each time; {REENCODE}")

    def _in_order(self, indices: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Every frame in turn: nothing can be skipped wrongly, and a shortage shows."""
        wanted = set(indices)
        for self._shown in range(indices[-1] + 1):
            frame = self._reader.next()
            if self._shown in wanted:
                yield _picture(frame)

    def _sought(self, indices: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """From key frame to key frame. Past the last one nothing is skipped: decord may skip for ever there."""
        keys = self._reader.get_key_indices()
        self._check_seeking(keys)
        following = 0  # the frame that comes next without seeking
        for index in indices:
            if index < keys[-1]:
                self._reader.seek_accurate(index)
            elif following < keys[-1]:
                self._reader.seek_accurate(following := keys[-1])
            for _ in range(following, index) if index > keys[-1] else ():
                self._reader.next()
            yield _picture(self._reader.next())
            following = index + 1

    def _check_seeking(self, keys: Sequence[int]) -> None:
        """The second key frame must be the same picture when it is played up to as when it is sought: packets may hold no picture (VP8)."""
        if len(keys) < 2:
            return
        self._reader.seek_accurate(keys[1] - 1)
        self._reader.next()
        played = _picture(self._reader.next()).astype(np.int16)
        self._reader.seek_accurate(keys[1])
        if np.abs(played - _picture(self._reader.next())).mean() > SAME_PICTURE:
            raise RuntimeError("seeking leads to other frames than playing")

    def _filled(self, config: VideoConfig, source: Callable[[Sequence[int]], Iterator[NDArray[np.uint8]]]) -> Memory:
        """Memory with the frames that `source` gives, and what is to be told of them."""
        indices = frame_indices(self.total, self.rate, config)
        frames = source(indices)
        first = next(frames)
        shape = (len(indices), *first.shape)
        _check_memory(shape)
        memory = cast(BinaryIO, os.fdopen(os.memfd_create("frames"), "r+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile())  # noqa: SIM115
        try:
            memory.truncate(math.prod(shape))
            pixels = np.frombuffer(mmap.mmap(memory.fileno(), math.prod(shape)), dtype=np.uint8).reshape(shape)
            pixels[0] = first
            for slot, frame in enumerate(frames, start=1):
                pixels[slot] = frame
        except BaseException:
            memory.close()
            raise
        told = {"indices": indices, "times": [float(self.times[index]) for index in indices], "shape": shape}
        return {**told, "fps": self.rate, "total_frames": self.total, "duration": self.duration}, memory


def _picture(frame: Any) -> NDArray[np.uint8]:
    """A frame (H, W, 3). decord takes the padding of a row for further channels where it is a multiple of W: cut it off."""
    pixels: NDArray[np.uint8] = frame.asnumpy()
    height, width, channels = pixels.shape
    return pixels if channels == 3 else pixels.reshape(height, -1)[:, : width * 3].reshape(height, width, 3)


def _check_memory(shape: tuple[int, ...]) -> None:
    import psutil

    needed, free = math.prod(shape), psutil.virtual_memory().available
    if needed > free * MEMORY_SHARE:
        size = f"{shape[0]} frames of {shape[2]} x {shape[1]} need {needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free"
        raise UnusableClip(f"does not fit into memory: {size}; ask for fewer frames (video.nframes, video.max_frames)")


def _short(said: str) -> str:
    """The end of decord's message, which begins with times and source files."""
    return said.strip().splitlines()[-1].split(": ")[-1][:120] if said.strip() else "no message"
