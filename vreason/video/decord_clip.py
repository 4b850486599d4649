"""A clip in decord's hands: the pixels of the frames asked for, from files that it reads exactly.

decord fills holes with other frames, counts packets that hold no picture, and seeks wrongly in some files. So its filling is switched off,
its count and its times must be those of the frame table, short clips are played through, and in long ones its seeking is tried before it is
used. Whatever differs is left to the second reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.video.container import REENCODE, UnusableClip
from vreason.video.frame_table import FrameTable

NO_REPLACEMENT = 1e-9  # decord's fault_tol, a share of the frames: the first frame that it would replace is an error; 0 would allow any
IN_ORDER = 600  # clips up to this many frames are played through; longer ones are sought in
SAME_PICTURE = 8.0  # mean difference, 0 to 255
SAME_TIME = 1e-3  # seconds, beside what a 32-bit float loses
THREADS = 0  # decord: as many as there are cores


class DecordClip:
    """A file that decord has opened.

    Args:
        name: path.
        table: the frames that it must show.

    Raises:
        UnusableClip: decord cannot open it, or counts other frames.
    """

    def __init__(self, name: str, table: FrameTable) -> None:
        self.name, self.table = name, table
        self._open()
        stamps = self._reader.get_frame_timestamp(range(len(self._reader)))[:, 0].astype(np.float64)
        if len(stamps) != table.total or not np.allclose(stamps - stamps[0], table.times, rtol=1e-6, atol=SAME_TIME):
            raise UnusableClip(f"is read as {len(stamps)} frames, where its container presents {table.total}; {REENCODE}")

    def _open(self) -> None:
        import decord

        try:
            self._reader = decord.VideoReader(self.name, ctx=decord.cpu(0), num_threads=THREADS, fault_tol=NO_REPLACEMENT)
        except (decord.DECORDError, RuntimeError, AssertionError) as error:
            raise UnusableClip(f"cannot be opened ({_short(str(error))}); {REENCODE}") from None

    def frames(self, indices: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """The pictures at these places, ascending; each (H, W, 3), upright.

        Raises:
            UnusableClip: a frame cannot be decoded, or seeking leads to other frames.
        """
        import decord

        try:
            yield from self._sought(indices) if self.table.total > IN_ORDER else self._in_order(indices)
        except (decord.DECORDError, decord.DECORDLimitReachedError, RuntimeError, IndexError) as error:
            raise UnusableClip(f"cannot be decoded ({_short(str(error))}); {REENCODE}") from None

    def _in_order(self, indices: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Every frame in turn: nothing can be skipped wrongly, and a shortage shows."""
        wanted = set(indices)
        for shown in range(indices[-1] + 1):
            frame = self._reader.next()
            if shown in wanted:
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


def _picture(frame: Any) -> NDArray[np.uint8]:
    """A frame (H, W, 3). decord takes the padding of a row for further channels where it is a multiple of W: cut it off."""
    pixels: NDArray[np.uint8] = frame.asnumpy()
    height, width, channels = pixels.shape
    return pixels if channels == 3 else pixels.reshape(height, -1)[:, : width * 3].reshape(height, width, 3)


def _short(said: str) -> str:
    """The end of decord's message, which begins with times and source files."""
    return said.strip().splitlines()[-1].split(": ")[-1][:120] if said.strip() else "no message"
