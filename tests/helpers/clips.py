"""Makes real clips, and damages them, with PyAV. Each frame is one colour that names its number, so that a test sees which frame it got."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
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


def picture(index: int, width: int, height: int, *, texture: bool = False, half: bool = False) -> NDArray[np.uint8]:
    """Frame `index`, shape (height, width, 3).

    With `texture`, seeded noise of +-25 lies on it, which fills a file with coded data; with `half`, its left half is black.
    """
    frame = np.full((height, width, 3), colour(index), dtype=np.int16)
    if texture:
        frame += np.random.default_rng(index).integers(-25, 26, size=(height, width, 1), dtype=np.int16)
    if half:
        frame[:, : width // 2] = 0
    return frame.clip(0, 255).astype(np.uint8)


def shown(pixels: NDArray[np.uint8], count: int = COLOURS) -> int:
    """The number of the frame that `pixels`, (H, W, 3), shows, by its colour; -1 where none is near (codecs miss by up to 20)."""
    mean = pixels.mean(axis=(0, 1))
    distances = [np.abs(mean - colour(index)).max() for index in range(min(count, COLOURS))]
    return int(np.argmin(distances)) if min(distances) < 25 else -1


def write_clip(
    path: Path,
    frames: int = 24,
    *,
    size: tuple[int, int] = (64, 48),
    fps: int = 24,
    ticks: Sequence[int] | None = None,
    texture: bool = False,
    half: bool = False,
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
        texture, half: see `picture`.
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
        if frames == 0:
            container.start_encoding()  # the header alone
            return path
        sound = container.add_stream("aac" if path.suffix != ".webm" else "libvorbis", rate=16000) if audio else None
        for index in range(len(ticks) if ticks is not None else frames):
            frame = av.VideoFrame.from_ndarray(picture(index, *size, texture=texture, half=half), format="rgb24")
            frame.pts, frame.time_base = (ticks[index] if ticks is not None else index), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            add_silence(container, sound, seconds=frames / fps)
    return path


def write_silent(
    path: Path,
    shown: int,
    silent: int,
    *,
    every: int = 0,
    b_frames: int = 0,
    size: tuple[int, int] = (64, 48),
    draw: Callable[[int, tuple[int, int]], NDArray[np.uint8]] = lambda index, size: picture(index, *size),
) -> Path:
    """A clip whose index counts frames that show nothing: MPEG-4 packets "not coded", which recorders write for a dropped picture.

    Args:
        path: where to; 30 frames a second.
        shown: frames with a picture.
        silent: packets without one, at the end.
        every: one more after each `every` packets with a picture; 0 for none.
        b_frames, size: as in `write_clip`.
        draw: makes a frame of its number and the size.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, "yuv420p", 12
        stream.options = {"sc_threshold": "1000000000"}  # no key frame but every 12th, although each colour is a new scene
        stream.max_b_frames = b_frames
        base = stream.time_base = stream.codec_context.time_base = Fraction(1, 30)
        stream.codec_context.thread_count = 1
        packets: list[av.Packet | None] = []
        for index in [*range(shown), None]:
            frame = None
            if index is not None:
                frame = av.VideoFrame.from_ndarray(draw(index, size), format="rgb24")
                frame.pts, frame.time_base = index, base
            for packet in stream.encode(frame):
                packets.append(packet)
                if every and len(packets) % (every + 1) == every:
                    packets.append(None)
        for number, coded in enumerate(packets + [None] * silent):
            packet = coded if coded is not None else av.Packet(_not_coded(number % 30))
            packet.stream, packet.pts, packet.dts, packet.duration, packet.time_base = stream, number, number, 1, base
            container.mux(packet)
    return path


def _not_coded(tick: int) -> bytes:
    """A picture header: type P, no whole second, marker, 5 bits of time, marker, "not coded", stuffing."""
    bits = f"0101{tick:05b}100"
    bits += "1" * (-len(bits) % 8)
    return b"\0\0\1\xb6" + int(bits, 2).to_bytes(len(bits) // 8, "big")


def write_audio(path: Path, seconds: float = 1.0) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        add_silence(container, container.add_stream("aac", rate=16000), seconds)
    return path


def add_silence(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    """Mux a track of silence."""
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
