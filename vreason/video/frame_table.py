"""What a container presents: the frames of its picture track with their times, read from its packets by PyAV.

Packets that are not meant to be shown (an edit list hides them, they carry the discard flag, they stand before the first key frame) are no
frames. Whoever decodes, these are the frames and times that a clip has; a decoder that shows others does not read the file exactly.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.video.container import AGAIN, REENCODE, UnusableClip

DECORD_CONTAINERS, DECORD_CODECS = ("mov", "matroska"), ("h264", "hevc", "mpeg4", "vp8")
DECORD_FORMATS = ("yuv420p", "yuvj420p")
ONE_PICTURE_A_PACKET = ("h264", "hevc", "av1", "mjpeg", "prores", "gif", "mpeg2video")
"""Codecs of which each packet of a whole file is shown; others have packets without a picture."""
_STILL = re.compile(r"^(?:image2|.*_pipe)$")
_INDEX = 1 << 20  # bytes at both ends of a file, in which an MP4 keeps its index
_ENCRYPTED = ("encv", "drmi")


@dataclass(frozen=True)
class FrameTable:
    """The frames of a clip.

    Attributes:
        container, codec, pixel_format: as FFmpeg names them.
        track: index of the picture track among all tracks.
        pts: when each frame is shown, in the track's own ticks, ascending; () where the file tells no times.
        times: the same in seconds from the first frame, shape (total,).
        rate: frames a second, on average.
        duration: seconds, from the first frame to the end of the last.
        keys: presentation and decoding time of each key frame, in ticks, ascending: places from which decoding can begin.
        plain: whether every packet is a frame, playing begins with a key frame, and no frame that is shown before a key frame is stored
            after it: then a decoder that only counts packets counts right.
        tracks: picture tracks that the file has, covers not counted.
    """

    container: str
    codec: str
    pixel_format: str
    track: int
    pts: tuple[int, ...]
    times: NDArray[np.float64]
    rate: float
    duration: float
    keys: tuple[tuple[int, int], ...] = ()
    plain: bool = False
    tracks: int = 1
    _base: Fraction = field(default=Fraction(1), repr=False)
    _declared: float = field(default=0.0, repr=False)

    @property
    def total(self) -> int:
        """Frames."""
        return len(self.times)

    @property
    def suits_decord(self) -> bool:
        """Whether decord reads such files exactly; elsewhere it loses, shifts or refuses frames (see docs/design/video.md)."""
        return (
            self.plain
            and self.tracks == 1
            and bool(self.pts)
            and self.container.startswith(DECORD_CONTAINERS)
            and self.codec in DECORD_CODECS
            and self.pixel_format in DECORD_FORMATS
        )

    def as_played(self, pts: Sequence[int | None]) -> FrameTable:
        """The table with the frames that a decoder really showed, from the first to the last.

        Raises:
            UnusableClip: none were shown, or frames are missing that the container presents and the codec shows.
        """
        if not pts:
            raise UnusableClip(f"contains no frames that can be decoded; {AGAIN}, or {REENCODE}")
        told = [each for each in pts if each is not None]
        if len(told) < len(pts) or any(one >= other for one, other in pairwise(told)):
            told = []
        if told and self.codec in ONE_PICTURE_A_PACKET:
            missing = {each for each in self.pts if each > told[0]} - set(told)
            if missing:
                counted = sum(each >= told[0] for each in self.pts)
                short = f"its index counts {counted} frames, of which {counted - len(missing)} can be decoded"
                raise UnusableClip(f"is truncated or damaged: {short}; {AGAIN}, or {REENCODE}")
        last = (self.duration - float(self.times[-1])) if self.total else None
        return replace(self, pts=tuple(told), **_timing(told, len(pts), self._base, self._declared, last), plain=False)


def read_head(name: str) -> None:
    """Look for a picture track that can be decoded; no packet is read beyond those that the container's format is known by.

    Raises:
        UnusableClip: as `read_table`'s, as far as the header shows it.
    """
    with _opened(name) as container:
        _moving_track(container)


def _opened(name: str) -> Any:
    import av

    try:
        return av.open(name, metadata_errors="ignore")
    except av.error.EOFError:
        raise UnusableClip(f"contains no frames: it ends before the first; {AGAIN}") from None
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise UnusableClip(f"is not a video that FFmpeg knows, or its header is damaged ({_said(error)}); {AGAIN}, or {REENCODE}") from None


def _moving_track(container: Any) -> Any:
    stream = _picture_track(container)
    if _STILL.match(container.format.name):
        raise UnusableClip(f"is a still picture ({stream.codec_context.name}), not a video; name a video file")
    return stream


def read_table(name: str) -> FrameTable:
    """Read the packets of a file's picture track, and one frame.

    Args:
        name: path of a file that is one (see `container.open_video`).

    Raises:
        UnusableClip: there is no picture track that can be decoded, or only a still picture or a cover.
    """
    import av

    with _opened(name) as container:
        stream, kind = _moving_track(container), container.format.name
        try:
            packets = [packet for packet in container.demux(stream) if packet.size]
        except (av.error.FFmpegError, ValueError) as error:
            raise UnusableClip(f"is truncated or damaged ({_said(error)}); {AGAIN}, or {REENCODE}") from None
        if not packets:
            raise UnusableClip(f"has a picture track without frames: it contains no frames; {AGAIN}")
        facts = _shown(packets)
        if kind == "gif" and len(packets) == 1:
            raise UnusableClip("is a still picture (gif), not a video; name a video file")
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate
        base, tracks = Fraction(stream.time_base), sum(_is_picture(each) for each in container.streams)
        index, codec = stream.index, str(stream.codec_context.name)
    declared = float(rate) if rate else 0.0
    shown, last = facts["pts"], facts.pop("last")
    if not shown and not 0 < declared < 1e5:
        raise UnusableClip(
            "is a raw stream without times or a frame rate; put it into a container (ffmpeg -framerate 25 -i FILE -c:v libx264 NEW.mp4)"
        )
    timing = _timing(shown, facts.pop("count"), base, declared, last * float(base) if last else None)
    form = _pixel_format(name, index)
    return FrameTable(kind, codec, form, index, **facts, **timing, tracks=tracks, _base=base, _declared=declared)


def _picture_track(container: Any) -> Any:
    """The best picture track that is no cover.

    Raises:
        UnusableClip: there is none, or none with a decoder.
    """
    pictures = [each for each in container.streams if _is_picture(each)]
    if not pictures:
        if any(each.type == "video" for each in container.streams):
            raise UnusableClip("has no video track but sound with a cover picture; name a file with moving pictures")
        raise UnusableClip("has no video track, or one without frames (perhaps only sound); name a file with pictures")
    best = container.streams.best("video")
    stream = best if best in pictures else pictures[0]
    if stream.codec_context.codec_tag.lower() in _ENCRYPTED if stream.codec_context else _says_encrypted(container.name):
        raise UnusableClip("is encrypted; decrypt it first, or leave the sample out")
    if stream.codec_context is None:
        raise UnusableClip(f"is coded with a codec for which there is no decoder here; {REENCODE}")
    return stream


def _is_picture(stream: Any) -> bool:
    import av

    cover = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    return stream.type == "video" and not stream.disposition & cover


def _says_encrypted(name: str) -> bool:
    """Whether the index of an MP4 names an encrypted track, which FFmpeg knows as no codec at all."""
    with open(name, "rb") as file:
        head = file.read(_INDEX)
        file.seek(max(os.fstat(file.fileno()).st_size - _INDEX, 0))
        return any(kind.encode() in head + file.read() for kind in _ENCRYPTED)


def _shown(packets: Sequence[Any]) -> dict[str, Any]:
    """What is presented, of packets in the order in which they are stored."""
    first = next((number for number, packet in enumerate(packets) if packet.is_keyframe), 0)
    decoded = packets[first:]
    shown = [packet for packet in decoded if not packet.is_discard]
    times = [packet.pts for packet in shown]
    leading = _leading(decoded)
    if None in times or len(set(times)) < len(times):
        return {"pts": (), "count": len(shown), "last": shown[-1].duration if shown else None, "keys": (), "plain": False}
    ordered = sorted(shown, key=lambda packet: packet.pts)
    keys = sorted((packet.pts, packet.dts if packet.dts is not None else packet.pts) for packet in decoded if packet.is_keyframe)
    plain = first == 0 and len(shown) == len(packets) and not leading
    last = ordered[-1].duration if ordered else None
    return {"pts": tuple(packet.pts for packet in ordered), "count": len(ordered), "last": last, "keys": tuple(keys), "plain": plain}


def _leading(packets: Sequence[Any]) -> bool:
    """Whether a packet stored after a key frame is shown before it: an open group of pictures."""
    key = None
    for packet in packets:
        if packet.pts is None:
            continue
        if packet.is_keyframe:
            key = packet.pts
        elif key is not None and packet.pts < key:
            return True
    return False


def _timing(pts: Sequence[int], count: int, base: Fraction, declared: float, last: float | None) -> dict[str, Any]:
    """Times in seconds from the first frame, mean rate and duration; evenly spaced at the declared rate where the file tells no times."""
    if not pts:
        rate = declared if 0 < declared < 1e5 else 25.0
        return {"times": np.arange(count) / rate, "rate": rate, "duration": count / rate}
    # exact: ticks are subtracted as whole numbers, and divided once
    times = np.array([float((each - pts[0]) * base) for each in pts])
    rated = 0 < declared < 1e5
    interval = float(times[-1]) / (len(times) - 1) if len(times) > 1 else 1 / declared if rated else 1.0
    lasts = last if last and 0 < last < 10 * interval else interval
    duration = float(times[-1]) + lasts
    rate = declared if rated and abs(declared * duration / len(times) - 1) <= 0.01 else len(times) / duration
    return {"times": times, "rate": rate, "duration": duration}


def _pixel_format(name: str, track: int) -> str:
    """Of the first frame that can be decoded; "" where none can, which reading will find."""
    import av

    with av.open(name, metadata_errors="ignore") as container:
        stream = container.streams[track]
        started = False
        try:
            for packet in container.demux(stream):
                started = started or packet.is_keyframe
                for frame in packet.decode() if started else ():
                    return str(frame.format.name)
        except (av.error.FFmpegError, ValueError):
            pass
    return ""


def _said(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()[:120]
