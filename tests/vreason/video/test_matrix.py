"""Every healthy kind of file is read as its container presents it: the right frames at the right times, the same on every try."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.clip_matrix import CLIPS, Clip, number_in
from vreason.video.config import VideoConfig
from vreason.video.frames import VideoFrames, read_video

TABLE = Path(__file__).parents[3] / "docs" / "design" / "video.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("matrix")


@pytest.fixture(scope="module")
def readers() -> dict[str, str]:
    """Which reader showed each clip, filled as tests go."""
    return {}


def read(clip: Clip, folder: Path, nframes: int) -> VideoFrames:
    path = folder / f"{re.sub(r'[^a-z0-9]+', '-', clip.name)}.{clip.suffix}"
    if not path.exists():
        clip.make(path)
    return read_video(path, VideoConfig(nframes=nframes))


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_right_frames_at_the_right_times(clip: Clip, folder: Path) -> None:
    """All frames, and twelve of them, twice: numbers, times, count, and pixels that are the same each time."""
    whole = read(clip, folder, 2 * len(clip.numbers))
    assert len(clip.numbers) == whole.total_frames
    even = len(clip.numbers) - (len(clip.numbers) % 2 if len(clip.numbers) > 1 else 0)
    assert even == len(whole.indices)
    for frames in (whole, read(clip, folder, 12), read(clip, folder, 12)):
        assert [clip.numbers[index] for index in frames.indices] == [number_in(each) for each in frames.pixels]
        assert [clip.seconds[index] for index in frames.indices] == pytest.approx(list(frames.times), abs=clip.exact)
    again = read(clip, folder, 12)
    assert np.array_equal(frames.pixels, again.pixels)
    assert (frames.times, frames.reader) == (again.times, again.reader)


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_the_table_names_the_reader(clip: Clip, folder: Path) -> None:
    """docs/design/video.md says of each kind which reader shows it."""
    rows = dict(re.findall(r"^\| ([^|]+?) \| (decord|pyav) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows.get(clip.name) == read(clip, folder, 12).reader
