"""A few small pictures out of a clip, for a page that must stand alone. A clip that cannot be read is told of in a note, never an error."""

from __future__ import annotations

import io
import os
import time
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vreason.errors import VideoError
from vreason.video import VideoConfig, read_video

WIDTH, HEIGHT = 120, 160  # pixels that a picture fits into; an upright clip is the narrower for it
QUALITY = 60
CLIP_SECONDS = 10.0  # for one clip
ALL_SECONDS = 120.0  # for all of them: a folder on a network that is away costs every clip its time
Pictures = tuple[Sequence[str], str]


class Thumbnails:
    """Reads every clip at most once. Pictures come as data URIs, with a note that is empty unless there are none.

    Args:
        most: pictures a clip; 0 reads nothing.
        seconds: for all clips together.
    """

    def __init__(self, most: int = 8, seconds: float = ALL_SECONDS) -> None:
        self._most, self._left = most, seconds
        self._known: dict[tuple[str, int], Pictures] = {}

    def of(self, paths: Sequence[str], shown: int) -> Pictures:
        """Frames spread evenly over a clip, its first and last included.

        Args:
            paths: where the clip may lie: runs of several machines name several places. The first that can be read is taken.
            shown: number of frames that the model was shown, 0 where it is not known; not more are taken.
        """
        count = min(self._most, shown or self._most)
        if count < 1:
            return (), "no frames: none were asked for"
        notes = []
        for path in dict.fromkeys(path for path in paths if path):
            pictures, note = self._read_once(path, count)
            if pictures:
                return pictures, ""
            notes.append(note)
        return (), notes[0] if notes else "no frames: the record names no video"

    def _read_once(self, path: str, count: int) -> Pictures:
        if (path, count) not in self._known:
            if self._left <= 0:
                return (), f"no frames of {Path(path).name}: reading the clips before it took too long"
            began = time.monotonic()
            self._known[path, count] = _read(path, count)
            self._left -= time.monotonic() - began
        return self._known[path, count]


def _read(path: str, count: int) -> Pictures:
    try:
        frames = read_video(os.fspath(path), VideoConfig(nframes=count, timeout=CLIP_SECONDS)).pixels[:count]
    except VideoError as error:
        gone = error.reason.startswith("no such file")
        why = "the file is not, or no longer, where the run found it" if gone else f"the file {error.reason.split('; ')[0]}"
        return (), f"no frames of {Path(path).name}: {why}"
    return tuple(picture(frame) for frame in frames), ""


def picture(frame: NDArray[np.uint8]) -> str:
    """A frame, (H, W, 3), as a small JPEG without metadata in a data URI; the same bytes for the same frame."""
    height, width = frame.shape[:2]
    factor = min(WIDTH / width, HEIGHT / height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    written = io.BytesIO()
    Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC).save(written, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + b64encode(written.getvalue()).decode("ascii")
