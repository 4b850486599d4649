"""A clip in PyAV's hands: the second reader, for files that decord does not read exactly.

Frames are known by their presentation times. Clips of some length are sought in, from key frame to key frame, after seeking was tried;
where it leads elsewhere the clip is played through, and then nothing can be skipped wrongly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.video.complaints import ErrorStream
from vreason.video.container import AGAIN, REENCODE, UnusableClip
from vreason.video.frame_table import FrameTable

IN_ORDER = 600  # clips up to this many frames are played through
TRIED_KEYS = 3  # a demuxer may land behind the key frame that was asked for: earlier ones are tried


class OtherFramesError(Exception):
    """Playing shows other frames than the packets announce."""


class AvClip:
    """A file that PyAV reads.

    Args:
        name: path.
        table: its frames, as its packets or an earlier playing tell.
        complaints: what is complained of between opening and the first key frame is of data that nobody sees, and is dropped.
    """

    def __init__(self, name: str, table: FrameTable, complaints: ErrorStream) -> None:
        self.name, self.table, self._complaints = name, table, complaints

    def played(self) -> FrameTable:
        """The table with the frames that playing shows.

        Raises:
            UnusableClip: as `FrameTable.as_played`; or the data are damaged.
        """
        return self.table.as_played([frame.pts for frame in self._play()])

    def frames(self, indices: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """The pictures at these places, ascending; each (H, W, 3), upright.

        Raises:
            OtherFramesError: the table does not hold.
            UnusableClip: the data are damaged.
        """
        shape = _Shape()
        if self.table.total > IN_ORDER and self._seeks():
            yield from (shape.picture(frame) for frame in self._sought(indices))
        else:
            yield from (shape.picture(frame) for frame in self._in_order(indices))

    def _in_order(self, indices: Sequence[int]) -> Iterator[Any]:
        """Every frame in turn, each at its time."""
        wanted, shown = set(indices), -1
        for shown, frame in enumerate(self._play()):
            if shown >= self.table.total or (self.table.pts and frame.pts != self.table.pts[shown]):
                raise OtherFramesError
            if shown in wanted:
                yield frame
        if shown + 1 < self.table.total:
            raise OtherFramesError

    def _play(self, start: int | None = None) -> Iterator[Any]:
        """Decode from the first key frame on, or from the one at `start`, in the track's ticks."""
        import av

        self._complaints.keep()  # of what was decoded before, in another group of pictures
        with av.open(self.name, metadata_errors="ignore") as container:
            stream = container.streams[self.table.track]
            stream.thread_type = "AUTO"
            started, begun = not self.table.pts or not self.table.keys, False
            try:
                if start is not None:
                    container.seek(start, stream=stream)
                for packet in container.demux(stream):
                    # what stands before the first key frame refers to frames that are not in the file
                    started = started or packet.is_keyframe
                    if started and not begun:
                        self._complaints.drop()
                        begun = True
                    if started:
                        yield from packet.decode()
            except (av.error.FFmpegError, ValueError) as error:
                said = (getattr(error, "strerror", None) or str(error)).strip()[:120]
                raise UnusableClip(f"is damaged ({said}); {AGAIN}, or {REENCODE}") from None

    def _seeks(self) -> bool:
        """Whether seeking to the second key frame shows the same picture as playing up to it."""
        keys = self.table.keys
        if len(keys) < 2 or not self.table.pts:
            return False
        target = keys[1][0]
        played = next((frame for frame in self._play() if frame.pts == target), None)
        sought = self._at(target)
        if played is None or sought is None:
            return False
        return np.array_equal(played.to_ndarray(format="rgb24"), sought[0].to_ndarray(format="rgb24"))

    def _sought(self, indices: Sequence[int]) -> Iterator[Any]:
        """From key frame to key frame; frames of one group are played on."""
        starts = [pts for pts, _ in self.table.keys]
        playing: Iterator[Any] = iter(())
        group = -1
        for index in indices:
            target = self.table.pts[index]
            own = bisect_right(starts, target) - 1
            frame = None
            if own == group:
                frame = next((each for each in playing if each.pts is not None and each.pts >= target), None)
            if frame is None or frame.pts != target:
                found = self._at(target)
                if found is None:
                    raise OtherFramesError
                frame, playing = found
            group = own
            yield frame

    def _at(self, target: int) -> tuple[Any, Iterator[Any]] | None:
        """The frame that is shown at `target`, and what follows; None where seeking does not lead there."""
        keys = self.table.keys
        own = bisect_right([pts for pts, _ in keys], target) - 1
        for index in range(own, max(own - TRIED_KEYS, -1), -1):
            playing = self._play(keys[index][1])
            for frame in playing:
                if frame.pts == target:
                    return frame, playing
                if frame.pts is None or frame.pts > target:
                    break
        return None


class _Shape:
    """Turns frames into pictures of one size, which is the first one's."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None

    def picture(self, frame: Any) -> NDArray[np.uint8]:
        """Pixels (H, W, 3), turned and mirrored as the file asks players to."""
        self._size = self._size or (frame.width, frame.height)
        width, height = self._size
        pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgb24", width=width, height=height)
        return np.ascontiguousarray(_upright(pixels, frame))


def _upright(pixels: NDArray[np.uint8], frame: Any) -> NDArray[np.uint8]:
    """By the display matrix, whose entries a, b, c, d send column x and row y to a x + c y and b x + d y."""
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return pixels
    a, b, _, c, d = (int(each) for each in np.frombuffer(bytes(found), dtype=np.int32)[:5])
    across, down = (c, b) if abs(b) + abs(c) > abs(a) + abs(d) else (a, d)
    if (across, down) == (c, b):
        pixels = pixels.transpose(1, 0, 2)
    return pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
