"""Healthy clips of every kind that people have, made with PyAV's encoders: codecs, containers, and what containers do with time.

A frame's number is burnt into its picture as twelve blocks, black or white, so that a test reads which frame it got, whatever the codec
loses. Each kind says which frames a player shows and when.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tests.helpers import clips

FRAMES, FPS, SIZE, BITS = 50, 25, (96, 72), 12
ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
    "h264 B-frames": ("libx264", {"preset": "veryfast", "bf": "2"}),
    "h264 open GOP": ("libx264", {"preset": "veryfast", "bf": "2", "x264-params": "open-gop=1:scenecut=0"}),
    "h264 10 bit": ("libx264", {"preset": "veryfast"}),
    "h264 intra refresh": ("libx264", {"preset": "veryfast", "x264-params": "intra-refresh=1:bframes=0:scenecut=0"}),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:bframes=0"}),
    "hevc open GOP": ("libx265", {"preset": "fast", "x265-params": "log-level=none:pools=1:open-gop=1:bframes=2:scenecut=0"}),
    "hevc 10 bit": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}),
    "vp8": ("libvpx", {"deadline": "realtime", "cpu-used": "8"}),
    "vp8 hidden frames": ("libvpx", {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    "vp9 good": ("libvpx-vp9", {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    "vp9 realtime": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "av1": ("libsvtav1", {"preset": "12", "svtav1-params": "lp=1"}),
    "mpeg2": ("mpeg2video", {"bf": "2"}),
    "mpeg4": ("mpeg4", {"bf": "0"}),
    "mpeg4 B-frames": ("mpeg4", {"bf": "2"}),
    "mjpeg": ("mjpeg", {}),
    "prores": ("prores_ks", {}),
    "gif": ("gif", {}),
}
PIXELS = {"h264 10 bit": "yuv420p10le", "hevc 10 bit": "yuv420p10le", "mjpeg": "yuvj420p", "prores": "yuv422p10le", "gif": "rgb8"}
CONTAINERS = {
    "h264": "mp4 mov mkv avi ts m2ts flv",
    "h264 B-frames": "mp4 mov mkv avi ts m2ts flv",
    "h264 open GOP": "mp4 mkv ts",
    "h264 10 bit": "mp4 mkv",
    "h264 intra refresh": "mp4 ts",
    "hevc": "mp4 mov mkv ts m2ts",
    "hevc open GOP": "mp4 mkv ts",
    "hevc 10 bit": "mp4 mkv",
    "vp8": "webm mkv",
    "vp8 hidden frames": "webm mkv",
    "vp9 good": "webm mkv mp4",
    "vp9 realtime": "webm mkv mp4",
    "av1": "mp4 webm mkv",
    "mpeg2": "ts m2ts mkv avi",
    "mpeg4": "mp4 mov mkv avi",
    "mpeg4 B-frames": "mp4 mov mkv avi",
    "mjpeg": "mov mkv avi mp4",
    "prores": "mov mkv",
    "gif": "gif",
}
_FORMATS = {"mkv": "matroska", "ts": "mpegts", "m2ts": "mpegts"}


def picture(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Frame `number`, shape (height, width, 3): blocks in three rows of four on a coloured ground."""
    width, height = size
    made = np.empty((height, width, 3), np.uint8)
    made[:] = (200, 60, 40)
    for bit in range(BITS):
        row, column = divmod(bit, 4)
        top, left = height * row // 3, width * column // 4
        made[top + 2 : height * (row + 1) // 3 - 2, left + 2 : width * (column + 1) // 4 - 2] = 255 if number >> bit & 1 else 0
    return made


def number_in(pixels: NDArray[np.uint8]) -> int:
    """The number burnt into a picture (H, W, 3)."""
    height, width, _ = pixels.shape
    found = 0
    for bit in range(BITS):
        row, column = divmod(bit, 4)
        y, x = height * (2 * row + 1) // 6, width * (2 * column + 1) // 8
        found |= int(pixels[y - 3 : y + 4, x - 3 : x + 4].mean() > 127) << bit
    return found


def encoded(codec: str, container: Any, ticks: Sequence[int], size: tuple[int, int] = SIZE, gop: int = 10) -> list[av.Packet]:
    """Packets of frames 0, 1, 2 ... shown at `ticks`, milliseconds, for a track that is added to `container`."""
    name, options = ENCODERS[codec]
    stream = container.add_stream(name, rate=FPS, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = PIXELS.get(codec, "yuv420p" if not (size[0] % 2 or size[1] % 2) else "yuv444p")
    stream.gop_size = gop
    even = all(tick == number * 1000 // FPS for number, tick in enumerate(ticks))
    base = Fraction(1, FPS) if even else Fraction(1, 1000)
    stream.time_base = stream.codec_context.time_base = base
    stream.codec_context.thread_count = 1
    packets: list[av.Packet] = []
    for number, tick in enumerate(ticks):
        frame = av.VideoFrame.from_ndarray(picture(number, size), format="rgb24")
        frame.pts, frame.time_base = (number if even else tick), base
        packets += stream.encode(frame)
    return packets + stream.encode()


def write(path: Path, codec: str, ticks: Sequence[int] | None = None, **options: Any) -> None:
    """A clip of frames 0, 1, 2 ... shown at `ticks`, milliseconds."""
    kind = _FORMATS.get(path.suffix[1:])
    with av.open(str(path), "w", format=kind, options=options.pop("mux", {})) as container:
        for packet in encoded(codec, container, ticks or even_ticks(), **options):
            container.mux(packet)


def even_ticks(frames: int = FRAMES) -> list[int]:
    """Milliseconds at 25 frames a second."""
    return [1000 * number // FPS for number in range(frames)]


def remux(source: Path, target: Path, change: Callable[[av.Packet], av.Packet | None], **options: str) -> None:
    """Copy packets, changed or (None) left out."""
    with av.open(str(source)) as reading, av.open(str(target), "w", format=_FORMATS.get(target.suffix[1:]), options=options) as writing:
        stream = reading.streams.video[0]
        copied = writing.add_stream_from_template(stream)
        for packet in reading.demux(stream):
            if packet.size and (changed := change(packet)) is not None:
                changed.stream = copied
                writing.mux(changed)


@dataclass(frozen=True)
class Clip:
    """A healthy clip.

    Attributes:
        name: what is special about it; also its place in the table of docs/design/video.md.
        suffix: of the file.
        make: writes it.
        numbers: of the frames that a player shows.
        seconds: when, from the first.
        exact: how far times may be off: containers count in ticks of their own.
    """

    name: str
    suffix: str
    make: Callable[[Path], None]
    numbers: tuple[int, ...] = tuple(range(FRAMES))
    seconds: tuple[float, ...] = field(default_factory=lambda: tuple(number / FPS for number in range(FRAMES)))
    exact: float = 1.1e-3


def _moved(path: Path, codec: str, seconds: float, **options: str) -> None:
    """A clip whose times all lie `seconds` later, or earlier."""
    source = path.with_name(f"source-{path.name}")
    write(source, codec)

    def change(packet: av.Packet) -> av.Packet:
        ticks = round(seconds / packet.time_base)
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        return packet

    remux(source, path, change, **options)


def _without_its_beginning(path: Path, codec: str, dropped: int) -> None:
    """A clip whose first packets are missing, as of a recording that was joined in the middle."""
    source, count = path.with_name(f"source-{path.name}"), iter(range(FRAMES))
    write(source, codec)
    remux(source, path, lambda packet: packet if next(count) >= dropped else None)


def _piped(path: Path, codec: str) -> None:
    """Matroska as it is written to a pipe: no duration, no index, a segment of unknown size."""
    pipe = io.BytesIO()

    class Unseekable:
        def write(self, data: bytes) -> int:
            return pipe.write(data)

    with av.open(Unseekable(), "w", format="matroska") as container:
        for packet in encoded(codec, container, even_ticks()):
            container.mux(packet)
    path.write_bytes(pipe.getvalue())


def _with_cover(path: Path) -> None:
    """Pictures that move, behind a cover that does not."""
    source = path.with_name(f"source-{path.name}")
    write(source, "h264")
    with av.open(str(source)) as reading, av.open(str(path), "w") as writing:
        cover = writing.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = *SIZE, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = reading.streams.video[0]
        copied = writing.add_stream_from_template(stream)
        frame = av.VideoFrame.from_ndarray(picture(4095), format="rgb24")
        for packet in [*cover.encode(frame), *cover.encode()]:
            packet.pts = packet.dts = 0
            writing.mux(packet)
        for packet in reading.demux(stream):
            if packet.size:
                packet.stream = copied
                writing.mux(packet)


def _cut(numbers: range) -> dict[str, Any]:
    return {"numbers": tuple(numbers), "seconds": tuple((number - numbers[0]) / FPS for number in numbers)}


_UNEVEN = [0, 40, 80, 300, 320, 900, 2000, 2040, 2500, 2520, 3000, 4000]
_VARIABLE = {"numbers": tuple(range(len(_UNEVEN))), "seconds": tuple(tick / 1000 for tick in _UNEVEN)}


def _variable(codec: str) -> Callable[[Path], None]:
    return lambda path: write(path, codec, _UNEVEN)


def _plain(codec: str, suffix: str) -> Clip:
    # GIF counts in hundredths of a second, and FLV, Matroska and WebM in thousandths
    return Clip(f"{codec} in {suffix}", suffix, lambda path: write(path, codec))


CLIPS: tuple[Clip, ...] = (
    *(_plain(codec, suffix) for codec, suffixes in CONTAINERS.items() for suffix in suffixes.split()),
    *(
        Clip(f"variable rate, {codec} in {suffix}", suffix, _variable(codec), **_VARIABLE)
        for codec, suffix in (("h264 B-frames", "mp4"), ("h264", "mkv"), ("h264 B-frames", "ts"), ("vp9 good", "webm"), ("h264", "flv"))
    ),
    Clip("edit list that hides 13 frames, mp4", "mp4", lambda path: _moved(path, "h264 B-frames", -13 / FPS), **_cut(range(13, FRAMES))),
    Clip("edit list that hides 13 frames, mov", "mov", lambda path: _moved(path, "h264", -13 / FPS), **_cut(range(13, FRAMES))),
    Clip("begins at 3 s, mp4", "mp4", lambda path: _moved(path, "h264 B-frames", 3.0)),
    Clip("begins at 3 s, ts", "ts", lambda path: _moved(path, "h264 B-frames", 3.0)),
    Clip("begins at 3 s, mkv", "mkv", lambda path: _moved(path, "h264", 3.0)),
    Clip("begins before 0, ts", "ts", lambda path: _moved(path, "h264", -0.4, avoid_negative_ts="disabled")),
    Clip("odd size, h264", "mp4", lambda path: write(path, "h264", size=(85, 63))),
    Clip("odd size, vp9", "webm", lambda path: write(path, "vp9 good", size=(85, 63))),
    Clip("one frame, h264", "mp4", lambda path: write(path, "h264", [0]), numbers=(0,), seconds=(0.0,)),
    Clip("one frame, vp9", "webm", lambda path: write(path, "vp9 good", [0]), numbers=(0,), seconds=(0.0,)),
    Clip("two frames, ts", "ts", lambda path: write(path, "h264", [0, 40]), numbers=(0, 1), seconds=(0.0, 0.04)),
    Clip("no duration, webm of a browser", "webm", lambda path: write(path, "vp9 realtime", mux={"live": "1"})),
    Clip("no duration, mkv written to a pipe", "mkv", lambda path: _piped(path, "h264 B-frames")),
    Clip("joined in the middle, ts", "ts", lambda path: _without_its_beginning(path, "h264", 13), **_cut(range(20, FRAMES))),
    Clip("joined in the middle, mkv", "mkv", lambda path: _without_its_beginning(path, "h264", 13), **_cut(range(20, FRAMES))),
    Clip("begins with a later key frame, ts", "ts", lambda path: _without_its_beginning(path, "h264", 20), **_cut(range(20, FRAMES))),
    Clip("raw stream", "h264", lambda path: write(path, "h264")),
    Clip("a cover before the pictures, mkv", "mkv", _with_cover),
    Clip("fragmented, mp4", "mp4", lambda path: write(path, "h264 B-frames", mux={"movflags": "frag_keyframe+empty_moov"})),
    Clip(
        "pictures dropped by the recorder, mp4",
        "mp4",
        lambda path: _dropping(path),
        numbers=tuple(range(FRAMES - 2)),
        seconds=tuple((number + number // 5) / 30 for number in range(FRAMES - 2)),
    ),
)


def _dropping(path: Path) -> None:
    """MPEG-4 with a packet "not coded" after every fifth picture."""
    clips.write_silent(path, FRAMES - 2, 0, every=5, draw=picture, size=SIZE)
