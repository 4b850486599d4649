"""The decoding process: reads requests, decodes with decord, answers with frames or with the reason why there are none.

decord passes over FFmpeg's complaints and fills holes with other frames. So its replacement of frames is switched off, FFmpeg's
complaints are read from the error stream, and the container's own sizes were compared with the file before (`vreason.video_file`).
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from vreason.errors import VideoError
from vreason.video import VideoConfig, frame_indices, requested
from vreason.video_file import AGAIN, open_video
from vreason.video_process import REENCODE, receive_message, send_message

NO_REPLACEMENT = 1e-9  # decord's fault_tol, a share of the frames: the first frame that it would replace is an error; 0 would allow any
HELD_BACK = 2  # frames at the end that a healthy decoder may keep to itself (AVI with packed B-frames): the clip is that much shorter
IN_ORDER = 600  # clips up to this many frames are played through; longer ones are sought in
SAME_PICTURE = 8.0  # mean difference, 0 to 255
MEMORY_SHARE = 0.8  # of the free memory, for one clip's frames
THREADS = 0  # decord: as many as there are cores
GRACE = 5.0  # seconds after the parent's timeout at which this process ends itself, in case the parent is gone
Memory = tuple[dict[str, Any], BinaryIO]

# What FFmpeg says when coded data is damaged. Left out on purpose: what it says of healthy files after a seek ("co located POCs ...").
DAMAGE = re.compile(
    r"error while decoding MB|decode_slice_header error|Invalid NAL unit size|Error splitting the input into NAL|no frame!|concealing"
    r"|non-existing [PS]PS|missing picture in access unit|cabac decode of|Error parsing NAL unit|invalid undecodable NALU"  # h264, hevc
    r"|Error at MB|damaged at|slice end not reached|illegal MB_type|illegal dc vlc|marker bit missing"  # mpeg4, mpeg2
    r"|Invalid frame marker|Invalid compressed header|Requested reference|Header size larger than data"  # vp8, vp9
    r"|EBML block data error|Invalid EBML number|Invalid track number|Truncating packet|Packet corrupt"  # containers
)
CUT_OFF = re.compile(r"partial file|Read error")


class UnusableClip(Exception):
    """Why decord cannot show a clip, in words that end with what to do."""


class ErrorStream:
    """FFmpeg's complaints. The error stream becomes a pipe that never blocks: when it is full the first ones stay and the rest is lost."""

    def __init__(self) -> None:
        self._end, write = os.pipe()
        os.set_blocking(self._end, False)
        os.set_blocking(write, False)
        os.dup2(write, 2)
        os.close(write)

    def take(self) -> str:
        """What was written since the last call."""
        text = b""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._end, 1 << 16):
                text += part
        return text.decode(errors="replace")


class Clip:
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
        except AssertionError:
            raise UnusableClip(f"contains no frames; {AGAIN}") from None
        except (decord.DECORDError, RuntimeError) as error:
            said = str(error)
            if "cannot find video stream" in said:
                raise UnusableClip("has no video track, perhaps only sound; name a file with pictures") from None
            if "Failed to measure duration/frame-count" in said:
                raise UnusableClip(f"contains no frames; {AGAIN}") from None
            if said.startswith("Error reading"):
                raise UnusableClip(f"is not a video that FFmpeg knows, or its header is damaged; {AGAIN}, or {REENCODE}") from None
            raise UnusableClip(f"cannot be decoded ({_short(said)}); {AGAIN}, or {REENCODE}") from None

    def read(self, config: VideoConfig) -> Memory:
        """Decode the frames that `config` asks for.

        Returns:
            What `vreason.video.VideoFrames` tells beside the pixels, with their `shape`; and memory, as a file, that holds the pixels.

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


def damage(complaints: str) -> str | None:
    """The reason that FFmpeg's complaints amount to, if any."""
    if CUT_OFF.search(complaints):
        return f"is truncated: the file ends inside a frame; {AGAIN}"
    for line in complaints.splitlines():
        if DAMAGE.search(line):
            return f"is damaged ({line.split('] ')[-1].strip()[:120]}); {AGAIN}, or {REENCODE}"
    return None


def decode(path: str, config: VideoConfig, complaints: ErrorStream) -> Memory:
    """The frames of one file; see `Clip.read`.

    Raises:
        VideoError: why there are none.
    """
    complaints.take()
    with open_video(path) as file:
        # decord takes no name that is not UTF-8: such a file goes by the number under which it is open
        name = path if path.isprintable() else f"/dev/fd/{file.fileno()}"
        try:
            reply, memory = Clip(name).read(config)
        except UnusableClip as error:
            raise VideoError(path, damage(complaints.take()) or str(error)) from None
    if fault := damage(complaints.take()):
        memory.close()
        raise VideoError(path, fault)
    return reply, memory


def main(descriptor: int) -> None:
    """Answer requests on the socket `descriptor` until its other side is closed."""
    channel, complaints = socket.socket(fileno=descriptor), ErrorStream()
    try:
        import decord  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        send_message(channel, {"reason": f"decord cannot be loaded ({error}); install it (pip install decord)"})
        return
    send_message(channel, {"ready": True})
    while message := receive_message(channel):
        path, config = requested(message[0])
        # SIGALRM's default action ends the process from inside any native loop: nothing stays behind when the parent is gone.
        signal.setitimer(signal.ITIMER_REAL, config.timeout + GRACE)
        try:
            reply, memory = decode(path, config, complaints)
        except VideoError as error:
            send_message(channel, {"reason": error.reason})
        else:
            send_message(channel, reply, [memory.fileno()])
            memory.close()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
