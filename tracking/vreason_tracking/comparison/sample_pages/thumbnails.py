"""A few small pictures out of a clip, for a page that must stand alone. A clip that cannot be read is told of in a note, never an error."""

from __future__ import annotations

import io
import os
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vreason.errors import VideoError
from vreason.video import VideoConfig, frame_indices, read_video

WIDTH, HEIGHT = 120, 160  # pixels that a picture fits into; an upright clip is the narrower for it
QUALITY = 60
CLIP_SECONDS = 10.0  # for one clip
ALL_SECONDS = 120.0  # for all of them: a folder on a network that is unavailable costs every clip its time
MOST_READ = 16  # frames that are read of a clip, at full size


@dataclass(frozen=True)
class Picture:
    """A frame of a clip.

    Attributes:
        uri: the picture, as a data URI.
        seconds: when it is shown, from the clip's first frame.
    """

    uri: str
    seconds: float


Pictures = tuple[Sequence[Picture], str]


@dataclass(frozen=True)
class _Read:
    """Pictures out of a clip, their places in it, how many frames it has, and why there are none."""

    pictures: Sequence[Picture]
    indices: Sequence[int] = ()
    total: int = 0
    reason: str = ""

    def were_shown(self, shown: int) -> bool:
        """Whether a run that was shown so many frames of this clip was shown these. A clip that has not so many is another one."""
        taken = frame_indices(self.total, 1.0, VideoConfig(nframes=shown))
        return len(taken) == shown and set(self.indices) <= set(taken)


class Thumbnails:
    """Reads every clip at most once for as many frames. Pictures come with a note: which ones they are, or why there are none.

    Args:
        most: pictures a clip; 0 reads nothing.
        seconds: for all clips together.
    """

    def __init__(self, most: int = 8, seconds: float = ALL_SECONDS) -> None:
        self._most, self._left = most, seconds
        self._known: dict[tuple[str, int], _Read] = {}

    def of(self, paths: Sequence[str], shown: Sequence[int]) -> Pictures:
        """Frames spread evenly over a clip, its first and last included: frames that the model was shown, where these can be told.

        Which ones a run took follows from the clip and their number (`vreason.video.frames.frame_indices`).

        Args:
            paths: where the clip may lie: runs of several machines name several places. The first that can be read is taken.
            shown: number of frames that the model was shown, a run; 0 where it is not known. The greatest is taken.
        """
        if self._most < 1:
            return (), "no frames: none were asked for"
        counts = sorted(set(shown) - {0})
        most_shown = counts[-1] if counts else 0
        reasons = []
        for path in dict.fromkeys(path for path in paths if path):
            found = self._read_once(path, _to_read(most_shown, self._most))
            if found.pictures:
                return found.pictures, _told(len(found.pictures), counts, most_shown > 0 and found.were_shown(most_shown))
            reasons.append(found.reason)
        return (), f"no frames{reasons[0]}" if reasons else "no frames: the record names no video"

    def _read_once(self, path: str, count: int) -> _Read:
        if (path, count) not in self._known:
            if self._left <= 0:
                return _Read((), reason=f" of {Path(path).name}: reading the clips before it took too long")
            began = time.monotonic()
            self._known[path, count] = _read(path, count, self._most)
            self._left -= time.monotonic() - began
        return self._known[path, count]


def _to_read(shown: int, most: int) -> int:
    """How many frames to read of a clip, so that few are, and those among the ones shown.

    Every third of 16 is the same as 6 of the clip. Where there is no such part, all are read and some are taken, or, of more than
    `MOST_READ`, others stand for them.
    """
    if shown <= most:
        return shown or most
    part = max((count for count in range(4, most + 1) if (shown - 1) % (count - 1) == 0), default=0)
    return part or (shown if shown <= MOST_READ else most)


def _told(pictures: int, counts: Sequence[int], exact: bool) -> str:
    """Which frames the pictures are. `counts`: numbers of frames that the model was shown, in ascending order."""
    if exact:
        which = "the" if pictures == counts[-1] else f"{pictures} of the"
        others = f"; in other runs it was shown {' or '.join(map(str, counts[:-1]))}" if len(counts) > 1 else ""
        return f"{which} {counts[-1]} frames that the model was shown{others}"
    what = f"the model was shown {' or '.join(map(str, counts))} frames" if counts else "how many the model was shown is not known"
    return f"{pictures} pictures, evenly spread over the clip; {what}"


def _read(path: str, count: int, most: int) -> _Read:
    """At most `most` pictures, of `count` frames."""
    try:
        frames = read_video(os.fspath(path), VideoConfig(nframes=count, timeout=CLIP_SECONDS))
    except VideoError as error:
        gone = error.reason.startswith("no such file")
        why = "the file is not, or no longer, where the run found it" if gone else f"the file {error.reason.split('; ')[0]}"
        return _Read((), reason=f" of {Path(path).name}: {why}")
    present = len(frames.times)
    places = np.linspace(0, present - 1, min(most, present)).round().astype(int)
    pictures = [Picture(picture(frames.pixels[index]), frames.times[index]) for index in places]
    return _Read(pictures, [frames.indices[index] for index in places], frames.total_frames)


def picture(frame: NDArray[np.uint8]) -> str:
    """A frame, (H, W, 3), as a small JPEG without metadata in a data URI; the same bytes for the same frame."""
    height, width = frame.shape[:2]
    factor = min(WIDTH / width, HEIGHT / height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    written = io.BytesIO()
    Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC).save(written, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + b64encode(written.getvalue()).decode("ascii")
