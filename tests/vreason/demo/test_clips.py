"""The demo's files: they decode to the rendered pixels, are written once, and are never seen half written."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from vreason.demo import clips
from vreason.demo.seeds import rng_for
from vreason.demo.world import FPS, FRAMES, SHOWN, DemoClip, render, sample_clip
from vreason.errors import DataError
from vreason.video.config import VideoConfig
from vreason.video.frames import read_video


@pytest.fixture(scope="module")
def clip() -> DemoClip:
    """A clip of several shapes."""
    rng = rng_for("test", 0, 1)
    return next(clip for clip in iter(lambda: sample_clip(rng), None) if len(clip.shapes) == 4)


def test_a_file_decodes_to_what_was_rendered(clip: DemoClip, tmp_path: Path) -> None:
    """Eight frames out of the file are the eight shown ones: their numbers, their times, and their pixels within the codec's loss."""
    video = read_video(clips.write_clip(clip, tmp_path / "a.mp4"), VideoConfig(nframes=8))
    assert SHOWN == video.indices
    assert FRAMES == video.total_frames
    assert FPS == pytest.approx(video.fps)
    assert [index / FPS for index in SHOWN] == pytest.approx(list(video.times), abs=1e-3)
    difference = np.abs(video.pixels.astype(int) - render(clip).astype(int))
    assert 3.0 > difference.mean()
    assert [4.0] * 8 > difference.mean(axis=(1, 2, 3)).tolist()
    moved = np.abs(render(clip)[1:].astype(int) - render(clip)[:-1].astype(int)).mean()
    assert difference.mean() < moved  # nearer to its own frame than to the neighbour's


def test_every_frame_is_in_the_file(clip: DemoClip, tmp_path: Path) -> None:
    """All 29 frames decode, each to its own picture."""
    video = read_video(clips.write_clip(clip, tmp_path / "a.mp4"), VideoConfig(nframes=FRAMES - 1))
    assert FRAMES == video.total_frames
    assert 3.0 > np.abs(video.pixels.astype(int) - render(clip, video.indices).astype(int)).mean(axis=(1, 2, 3)).max()


def test_writing_twice_writes_once(clip: DemoClip, tmp_path: Path) -> None:
    """A file that is there is left alone, byte for byte and in its time, and nothing else is left beside it."""
    path = clips.write_clip(clip, tmp_path / "deep" / "folder" / "a.mp4")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    assert path == clips.write_clip(clip, path)
    assert before == (path.read_bytes(), path.stat().st_mtime_ns)
    assert [path] == list(path.parent.iterdir())


def test_one_clip_is_one_file(clip: DemoClip, tmp_path: Path) -> None:
    """A clip has the same size however often it is written, or two machines' data digests would differ."""
    sizes = {clips.write_clip(clip, tmp_path / f"{number}.mp4").stat().st_size for number in range(150)}
    assert 1 == len(sizes)


def test_an_interrupted_write_leaves_no_file(clip: DemoClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When drawing breaks off, nothing stands under the clip's name, and the next attempt succeeds."""
    path = tmp_path / "a.mp4"

    def breaks(clip: DemoClip, frames: tuple[int, ...]) -> object:
        yield from render(clip, frames)[:10]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(clips, "render", breaks)
        with pytest.raises(KeyboardInterrupt):
            clips.write_clip(clip, path)
    assert not path.exists()
    assert FRAMES == read_video(clips.write_clip(clip, path), VideoConfig(nframes=2)).total_frames


def test_the_name_appears_with_the_whole_file(clip: DemoClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While frames are being encoded there is no file under the clip's name."""
    path, seen = tmp_path / "a.mp4", []

    def watched(clip: DemoClip, frames: tuple[int, ...]) -> object:
        for pixels in render(clip, frames):
            seen.append(path.exists())
            yield pixels

    monkeypatch.setattr(clips, "render", watched)
    clips.write_clip(clip, path)
    assert [False] * FRAMES == seen
    assert path.exists()


def test_two_threads_write_one_clip(clip: DemoClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that write the same file at once both return it, and it is whole."""
    path, barrier = tmp_path / "a.mp4", threading.Barrier(2, timeout=20)
    faults: list[BaseException] = []

    def together(clip: DemoClip, frames: tuple[int, ...]) -> object:
        yield from render(clip, frames)
        barrier.wait()  # both are in the middle of their files

    def write() -> None:
        try:
            clips.write_clip(clip, path)
        except BaseException as fault:
            faults.append(fault)

    monkeypatch.setattr(clips, "render", together)
    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == faults
    assert FRAMES == read_video(path, VideoConfig(nframes=2)).total_frames


def test_where_clips_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """VREASON_CACHE goes before XDG_CACHE_HOME, that before the home folder; the folder's name carries the edition."""
    monkeypatch.setenv("VREASON_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    edition = clips.cache_folder().name
    assert edition.startswith("demo-")
    assert tmp_path / "own" / edition == clips.cache_folder()
    monkeypatch.delenv("VREASON_CACHE")
    assert tmp_path / "xdg" / "vreason-track" / edition == clips.cache_folder()
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert tmp_path / "home" / ".cache" / "vreason-track" / edition == clips.cache_folder()


def test_a_file_in_the_caches_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by VREASON_CACHE, it is an error that names it."""
    (tmp_path / "own").write_text("a file")
    monkeypatch.setenv("VREASON_CACHE", str(tmp_path / "own"))
    with pytest.raises(DataError, match=f"cannot be kept in {tmp_path / 'own'}.*: Not a directory; set VREASON_CACHE to a folder"):
        clips.cache_folder()


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary folder of this user's is taken, with a warning that names both and the variable."""
    (tmp_path / "home").write_text("no folder")
    monkeypatch.delenv("VREASON_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.warns(RuntimeWarning, match=f"{tmp_path / 'home'}.*VREASON_CACHE.*{tmp_path / 'vreason-track-'}"):
        folder = clips.cache_folder()
    assert tmp_path / f"vreason-track-{os.getuid()}" == folder.parent
    assert 0o700 == folder.parent.stat().st_mode & 0o777


def test_no_room_for_a_clip(tmp_path: Path) -> None:
    """What was begun is gone, and the error says where and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=f"cannot be kept in {tmp_path / 'file'}: File exists"):
        clips.write_clip(sample_clip(rng_for("test", 0, 0)), tmp_path / "file" / "000.mp4")
    assert ["file"] == [path.name for path in tmp_path.iterdir()]
