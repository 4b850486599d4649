"""vreason_tracking.comparison.thumbnails: small pictures of real clips, and notes where there are none."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.doubles import clips
from vreason_tracking.comparison.sample_pages import thumbnails
from vreason_tracking.comparison.sample_pages.thumbnails import Thumbnails, picture


def opened(uri):
    head, data = uri.split(",", 1)
    assert "data:image/jpeg;base64" == head
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """24 frames, each of its own colour, 240 x 180."""
    return clips.write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", 24, size=(240, 180))


@pytest.mark.parametrize(("most", "shown", "expected"), [(8, 16, 8), (8, 4, 4), (8, 0, 8), (3, 8, 2), (1, 8, 1), (40, 40, 24)])
def test_how_many(clip, most, shown, expected) -> None:
    """As many as the model was shown, not more than asked for; a clip without so many frames gives all."""
    pictures, note = Thumbnails(most).of([str(clip)], shown)
    assert (expected, "") == (len(pictures), note)


def test_which_frames(clip) -> None:
    """Spread evenly, first and last included."""
    pictures, _ = Thumbnails(4).of([str(clip)], 4)
    shown = [clips.shown(np.asarray(opened(each))) for each in pictures]
    assert [0, 8, 15, 23] == shown


def test_small_and_without_metadata(clip) -> None:
    """120 pixels wide, a few kilobytes, and nothing but the picture; the same bytes each time."""
    frame = clips.picture(5, 640, 480, texture=True)
    made = opened(picture(frame))
    assert ((120, 90), {}) == (made.size, dict(made.getexif()))
    assert {"jfif", "jfif_version", "jfif_unit", "jfif_density"} >= set(made.info)
    assert len(picture(frame)) < 8_000
    assert picture(frame) == picture(frame.copy())


SHAPES = [((90, 1600), (9, 160)), ((1920, 1080), (120, 68)), ((4000, 4), (120, 1)), ((40, 30), (120, 90))]


@pytest.mark.parametrize(("size", "expected"), SHAPES)
def test_other_shapes(size, expected) -> None:
    """The whole frame in its own proportions, upright clips too."""
    width, height = size
    assert expected == opened(picture(np.zeros((height, width, 3), np.uint8))).size


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (None, "the file is not, or no longer, where the run found it"),
        (b"", "the file is empty (0 bytes)"),
        (b"text", "the file is text, not a video"),
    ],
)
def test_a_clip_that_cannot_be_read(tmp_path, content, note) -> None:
    """No pictures and the reason, with the file's name and not its folder."""
    path = tmp_path / "lost.mp4"
    if content is not None:
        path.write_bytes(content)
    assert ((), f"no frames of lost.mp4: {note}") == Thumbnails().of([str(path)], 8)


def test_another_place(tmp_path, clip) -> None:
    """Runs of several machines name several files; the first that is there is taken."""
    pictures, note = Thumbnails().of([str(tmp_path / "elsewhere.mp4"), str(clip)], 8)
    assert (8, "") == (len(pictures), note)


def test_no_video_named() -> None:
    """A record may not name one."""
    assert ((), "no frames: the record names no video") == Thumbnails().of([""], 8)


def test_none_asked_for(clip) -> None:
    """No clip is read then."""
    assert ((), "no frames: none were asked for") == Thumbnails(0).of([str(clip)], 8)


def test_a_clip_is_read_once(tmp_path) -> None:
    """Questions about the same video share its pictures, also when the file goes away meanwhile."""
    path = clips.write_clip(tmp_path / "clip.mp4", 8)
    made = Thumbnails()
    first = made.of([str(path)], 8)
    path.unlink()
    assert first == made.of([str(path)], 8)


def test_a_clip_that_takes_too_long(tmp_path, monkeypatch) -> None:
    """It is given up, and the page says so."""
    clip = clips.write_clip(tmp_path / "clip.mp4", 600)
    monkeypatch.setattr(thumbnails, "CLIP_SECONDS", 0.001)
    assert ((), "no frames of clip.mp4: the file is not decoded after 0.001 s, and was given up") == Thumbnails().of([str(clip)], 8)


def test_all_clips_together_are_bounded(clip) -> None:
    """When the time for all is used up, the other clips are left unread."""
    made = Thumbnails(seconds=1e-6)
    assert 8 == len(made.of([str(clip)], 8)[0])
    assert ((), "no frames of other.mp4: reading the clips before it took too long") == made.of(["other.mp4"], 8)
