"""Reading clips in tests: the clips themselves, which frames were read, and why a file was refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import clips
from vreason.errors import VideoError
from vreason.video.config import VideoConfig
from vreason.video.frames import VideoFrames, read_video

SIXTEEN = (0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23)  # of 24 frames, evenly
"""What sixteen frames of a clip of 24 are."""


def numbers(frames: VideoFrames) -> tuple[int, ...]:
    """Which frames the pixels show."""
    return tuple(clips.shown(picture) for picture in frames.pixels)


def fault_of(path: Path | str, config: VideoConfig | None = None) -> str:
    """The reason why a file cannot be read; the error must name the file as the caller did and end with advice."""
    with pytest.raises(VideoError) as caught:
        read_video(path, config or VideoConfig())
    assert str(path) == caught.value.path
    assert f"{path}: {caught.value.reason}" == str(caught.value)
    assert "; " in caught.value.reason
    return caught.value.reason
