"""Makes real clips, and damages them, with PyAV. Each frame is one colour that names its number, so that a test sees which frame it got."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

LEVELS = (30, 90, 150, 210)
COLOURS = len(LEVELS) ** 3  # frames before the colours repeat
CODECS = {".mp4": "libx264", ".mkv": "libx264", ".webm": "libvpx", ".avi": "mpeg4", ".mov": "libx264"}


def colour(index: int) -> tuple[int, int, int]:
    """RGB of frame `index`; neighbours differ by at least 60 in some channel."""
    code = index % COLOURS
    return LEVELS[code % 4], LEVELS[code // 4 % 4], LEVELS[code // 16]


def picture(index: int, width: int, height: int, *, texture: bool = False) -> NDArray[np.uint8]:
    """Frame `index`, shape (height, width, 3); with `texture` seeded noise of +-25 lies on it, which fills a file with coded data."""
    frame = np.full((height, width, 3), colour(index), dtype=np.int16)
    if texture:
        frame += np.random.default_rng(index).integers(-25, 26, size=(height, width, 1), dtype=np.int16)
    return frame.clip(0, 255).astype(np.uint8)


def write_clip(
    path: Path,
    frames: int = 24,
    *,
    size: tuple[int, int] = (64, 48),
    fps: int = 24,
    ticks: Sequence[int] | None = None,
    texture: bool = False,
    gop: int = 8,
    b_frames: int = 2,
    audio: bool = False,
    codec: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip; the suffix names the container.

    Args:
        path: where to.
        frames: number of frames.
        size: width and height, pixels.
        fps: frames a second.
        ticks: presentation times in milliseconds, for a variable frame rate; `frames` and `fps` then say nothing.
        texture: see `picture`.
        gop: frames between two key frames.
        b_frames: frames in a row that are predicted from both sides.
        audio: add a track of silence.
        codec: instead of the container's usual one.
        options: of the container.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec or CODECS[path.suffix], rate=fps)
        stream.width, stream.height = size
        odd = size[0] % 2 or size[1] % 2
        stream.pix_fmt = "yuv444p" if odd and stream.codec_context.name == "libx264" else "yuv420p"
        stream.gop_size = gop
        if stream.codec_context.name != "libvpx":
            stream.max_b_frames = b_frames
        base = Fraction(1, 1000) if ticks is not None else Fraction(1, fps)
        stream.time_base = stream.codec_context.time_base = base
        stream.codec_context.thread_count = 1
        sound = container.add_stream("aac" if path.suffix != ".webm" else "libvorbis", rate=16000) if audio else None
        for index in range(len(ticks) if ticks is not None else frames):
            frame = av.VideoFrame.from_ndarray(picture(index, *size, texture=texture), format="rgb24")
            frame.pts, frame.time_base = (ticks[index] if ticks is not None else index), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            _silence(container, sound, seconds=frames / fps)
    return path


def write_audio(path: Path, seconds: float = 1.0) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        _silence(container, container.add_stream("aac", rate=16000), seconds)
    return path


def _silence(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    for start in range(0, int(16000 * seconds), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def truncated(source: Path, target: Path, share: float) -> Path:
    """The first `share` of a file's bytes."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def flipped(source: Path, target: Path, start: float, end: float, every: int = 97) -> Path:
    """A file with every `every`-th byte inverted between the shares `start` and `end`."""
    data = bytearray(source.read_bytes())
    for offset in range(int(len(data) * start), int(len(data) * end), every):
        data[offset] ^= 0xFF
    target.write_bytes(data)
    return target


def patched(source: Path, target: Path, marker: bytes, offset: int, value: bytes) -> Path:
    """A file with `value` written `offset` bytes after the first `marker`."""
    data = bytearray(source.read_bytes())
    at = data.index(marker) + offset
    data[at : at + len(value)] = value
    target.write_bytes(data)
    return target


def rotated(source: Path, target: Path) -> Path:
    """An mp4 whose header asks players to turn the picture by 90 degrees, as telephones write it."""
    matrix = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    return patched(source, target, b"tkhd", 4 + 4 + 4 * 9, matrix)
