"""vreason_tracking.comparison.thumbnails: small pictures of real clips, and notes where there are none."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.helpers import clips
from vreason.video.config import VideoConfig
from vreason.video.frames import frame_indices, read_video
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


def numbers(pictures):
    """Which frames of the clip they show."""
    return [clips.shown(np.asarray(opened(each.uri))) for each in pictures]


SPREAD = "pictures, evenly spread over the clip;"


@pytest.mark.parametrize(
    ("most", "shown", "expected", "note"),
    [
        (8, [16, 16], 6, "6 of the 16 frames that the model was shown"),
        (8, [12], 8, "8 of the 12 frames that the model was shown"),
        (8, [22], 8, "8 of the 22 frames that the model was shown"),
        (8, [18], 8, f"8 {SPREAD} the model was shown 18 frames"),
        (8, [4], 4, "the 4 frames that the model was shown"),
        (3, [8], 3, "3 of the 8 frames that the model was shown"),
        (1, [8], 1, "1 of the 8 frames that the model was shown"),
        (8, [16, 0, 8, 4], 6, "6 of the 16 frames that the model was shown; in other runs it was shown 4 or 8"),
        (8, [0, 0], 8, f"8 {SPREAD} how many the model was shown is not known"),
        (4, [96], 4, f"4 {SPREAD} the model was shown 96 frames"),
        (40, [32], 24, f"24 {SPREAD} the model was shown 32 frames"),
    ],
)
def test_how_many_and_which_they_are_called(clip, most, shown, expected, note) -> None:
    """Not more than asked for; the note says whether they are frames that the model saw, which a clip of fewer frames cannot give."""
    pictures, told = Thumbnails(most).of([str(clip)], shown)
    assert (expected, note) == (len(pictures), told)


@pytest.mark.parametrize("shown", [2, 4, 6, 8, 14, 16, 22])
def test_they_are_frames_that_the_model_was_shown(clip, shown) -> None:
    """Those that a run took of so many, first and last included, each with its time in the clip."""
    taken = frame_indices(24, 24.0, VideoConfig(nframes=shown))
    pictures, note = Thumbnails().of([str(clip)], [shown])
    found = numbers(pictures)
    assert (taken[0], taken[-1]) == (found[0], found[-1])
    assert set(found) <= set(taken)
    assert found == sorted(set(found))
    assert note.endswith(f"the {shown} frames that the model was shown")
    assert [number / 24 for number in found] == pytest.approx([each.seconds for each in pictures], abs=1e-3)


def test_no_more_frames_are_read_than_shown(monkeypatch, clip) -> None:
    """Of the usual 16 six, at no greater cost than any other six; a clip of very many is not read at full size for eight pictures."""
    expected_samples = []
    monkeypatch.setattr(thumbnails, "read_video", lambda path, config: expected_samples.append(config.nframes) or read_video(path, config))
    for shown in (0, 2, 8, 12, 16, 64, 96, 768):
        Thumbnails().of([str(clip)], [shown])
    assert [8, 2, 8, 12, 6, 8, 6, 8] == expected_samples


def test_a_run_by_frames_a_second_is_shown_exactly_too(clip) -> None:
    """What a run took follows from its number of frames alone."""
    taken = read_video(clip, VideoConfig(nframes=None, fps=10.0)).indices
    assert list(taken) == numbers(Thumbnails(40).of([str(clip)], [len(taken)])[0])


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
    assert ((), f"no frames of lost.mp4: {note}") == Thumbnails().of([str(path)], [8])


def test_another_place(tmp_path, clip) -> None:
    """Runs of several machines name several files; the first that is there is taken."""
    pictures, note = Thumbnails().of([str(tmp_path / "elsewhere.mp4"), str(clip)], [8])
    assert (8, "the 8 frames that the model was shown") == (len(pictures), note)


def test_no_video_named() -> None:
    """A record may not name one."""
    assert ((), "no frames: the record names no video") == Thumbnails().of([""], [8])


def test_none_asked_for(clip) -> None:
    """No clip is read then."""
    assert ((), "no frames: none were asked for") == Thumbnails(0).of([str(clip)], [8])


def test_a_clip_is_read_once(tmp_path) -> None:
    """Questions about the same video share its pictures, also when the file goes away meanwhile."""
    path = clips.write_clip(tmp_path / "clip.mp4", 8)
    made = Thumbnails()
    first = made.of([str(path)], [8])
    path.unlink()
    assert first == made.of([str(path)], [8])


def test_a_clip_that_takes_too_long(tmp_path, monkeypatch) -> None:
    """It is given up, and the page says so."""
    clip = clips.write_clip(tmp_path / "clip.mp4", 600)
    monkeypatch.setattr(thumbnails, "CLIP_SECONDS", 0.001)
    assert ((), "no frames of clip.mp4: the file is not decoded after 0.001 s, and was given up") == Thumbnails().of([str(clip)], [8])


def test_all_clips_together_are_bounded(clip) -> None:
    """When the time for all is used up, the other clips are left unread."""
    made = Thumbnails(seconds=1e-6)
    assert 8 == len(made.of([str(clip)], [8])[0])
    assert ((), "no frames of other.mp4: reading the clips before it took too long") == made.of(["other.mp4"], [8])
