"""Reading clips: the right frames at the right times, or an error that names the fault; and never a hang or a crash."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.helpers import clips
from tests.helpers.read_clips import SIXTEEN, fault_of, numbers
from vreason.errors import VideoError
from vreason.video.clip_reading import TooLargeError, check_memory
from vreason.video.config import VideoConfig
from vreason.video.decoder_process import decoder
from vreason.video.frames import frame_indices, probe_video, read_video


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


# Which frames


@pytest.mark.parametrize(
    ("total", "nframes", "expected"),
    [
        (24, 16, list(SIXTEEN)),
        (101, 5, [0, 33, 67, 100]),  # 5 is rounded down to 4
        (10, 1, [0, 9]),  # at least 2
        (8, 8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (7, 16, [0, 1, 2, 4, 5, 6]),  # all of them, one fewer because the count is odd
        (3, 16, [0, 2]),
        (2, 16, [0, 1]),
        (1, 16, [0]),
    ],
)
def test_nframes_are_spread_over_the_whole_clip(total: int, nframes: int, expected: list[int]) -> None:
    """Evenly spaced, first and last included, an even count, without repeats."""
    assert expected == frame_indices(total, 24.0, VideoConfig(nframes=nframes))


@pytest.mark.parametrize(
    ("total", "fps", "wanted", "count"),
    [
        (240, 24.0, 2.0, 20),
        (100, 10.0, 0.7, 6),  # 7 a clip, rounded down to even
        (300, 29.97, 0.3, 4),  # 3 a clip: min_frames
        (9000, 30.0, 30.0, 768),  # max_frames
        (6, 60.0, 2.0, 4),  # min_frames
        (3, 60.0, 2.0, 2),  # no more than there are
    ],
)
def test_fps_sets_the_count_within_its_bounds(total: int, fps: float, wanted: float, count: int) -> None:
    """duration x fps frames, at least min_frames, at most max_frames and the clip's own, even."""
    indices = frame_indices(total, fps, VideoConfig(nframes=None, fps=wanted))
    assert count == len(set(indices)) == len(indices)
    assert (0, total - 1) == (indices[0], indices[-1])


def test_fps_samples_by_time() -> None:
    """Of a variable rate the frames are taken that are shown at even times; each once, an even number, first and last among them."""
    times = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 2.0, 4.0, 6.0])
    config = VideoConfig(nframes=None, fps=1.0, min_frames=2)
    # even times are 0, 1.2, 2.4, 3.6, 4.8 and 6 s: frames 0, 4, 5, 5, 6 and 7, of which the one goes that follows soonest
    assert [0, 5, 6, 7] == frame_indices(8, 8 / 6.1, config, times)
    assert [0, 1] == frame_indices(2, 0.2, VideoConfig(nframes=None, fps=2.0), np.array([0.0, 9.0]))
    even = np.arange(50) / 25
    assert frame_indices(50, 25.0, config) == frame_indices(50, 25.0, config, even)


# Whole files


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi", "mov"])
def test_frames_are_those_that_were_written(folder: Path, suffix: str) -> None:
    """In every container the pixels at each index show that frame; AVI with B-frames, in which decord seeks wrongly, included."""
    path = clips.write_clip(folder / f"plain.{suffix}")
    frames = read_video(path, VideoConfig())
    assert str(path) == frames.path
    assert (16, 48, 64, 3) == frames.pixels.shape
    assert np.dtype(np.uint8) == frames.pixels.dtype
    assert SIXTEEN == frames.indices == numbers(frames)
    assert 24 == frames.total_frames
    assert pytest.approx(24.0) == frames.fps
    assert pytest.approx(1.0, abs=1.5e-3) == frames.duration  # Matroska counts in milliseconds
    assert pytest.approx([index / 24 for index in SIXTEEN], abs=6e-4) == list(frames.times)
    assert pytest.approx(23 / 24 / 15, abs=1e-4) == frames.seconds_per_frame


def test_times_are_exact(mp4: Path) -> None:
    """An mp4 keeps times as fractions: the frames' times are index / fps, to the last bit."""
    assert [index / 24 for index in SIXTEEN] == list(read_video(mp4, VideoConfig()).times)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_variable_rate_keeps_its_own_times(folder: Path, suffix: str) -> None:
    """Times come from the file, not from index / fps, and the mean rate follows them."""
    ticks = [0, 40, 80, 300, 310, 900, 2000, 2010]
    frames = read_video(clips.write_clip(folder / f"vfr.{suffix}", ticks=ticks), VideoConfig())
    assert pytest.approx([tick / 1000 for tick in ticks]) == list(frames.times)
    assert pytest.approx(2.01 / 7) == frames.seconds_per_frame
    assert pytest.approx(8 / frames.duration) == frames.fps
    assert tuple(range(8)) == numbers(frames)


def test_times_count_from_the_first_frame(folder: Path) -> None:
    """A clip that begins at 0.5 s begins at 0."""
    frames = read_video(clips.write_clip(folder / "late.mp4", ticks=[500 + 40 * index for index in range(8)]), VideoConfig())
    assert pytest.approx([0.04 * index for index in range(8)]) == list(frames.times)


@pytest.mark.parametrize(("written", "expected"), [(1, (0,)), (2, (0, 1)), (3, (0, 2))])
def test_clips_of_a_few_frames(folder: Path, written: int, expected: tuple[int, ...]) -> None:
    """One frame gives one, two give two, three give two; a single frame lasts 1 / fps."""
    frames = read_video(clips.write_clip(folder / f"few{written}.mp4", written), VideoConfig())
    assert expected == frames.indices == numbers(frames)
    assert pytest.approx((expected[-1] or 1) / 24 / max(len(expected) - 1, 1)) == frames.seconds_per_frame


@pytest.mark.parametrize("size", [(85, 63), (48, 64), (16, 48), (4, 4)])
def test_sizes_whose_rows_are_padded(folder: Path, size: tuple[int, int]) -> None:
    """Odd sizes, and narrow ones of which decord takes row padding for more channels, come back as they are."""
    frames = read_video(clips.write_clip(folder / f"size{size[0]}.mp4", 8, size=size), VideoConfig())
    assert (8, size[1], size[0], 3) == frames.pixels.shape
    assert tuple(range(8)) == numbers(frames)


def test_a_telephones_clip_is_turned_upright(folder: Path) -> None:
    """With "turn by 90 degrees" in its header the picture's left half comes out on top."""
    lying = clips.write_clip(folder / "lying.mp4", 8, half=True)
    frames = read_video(clips.rotated(lying, folder / "upright.mp4"), VideoConfig())
    assert (8, 64, 48, 3) == frames.pixels.shape
    assert frames.pixels[7, :28].mean() < 20 < np.mean(clips.colour(7)) - 25 < frames.pixels[7, 36:].mean()


NAMES = ["whole.avi", "whole.txt", "whole", "name with spaces & ünïcode.mp4", os.fsdecode(b"\xff.mp4"), "a:b.mp4", "x\ny.mp4"]


@pytest.mark.parametrize("name", NAMES)
def test_names_do_not_matter(folder: Path, mp4: Path, name: str) -> None:
    """A wrong suffix, none, blanks, and bytes that are no UTF-8: the content decides."""
    path = folder / name
    path.write_bytes(mp4.read_bytes())
    assert SIXTEEN == numbers(read_video(path, VideoConfig()))


def test_a_relative_path_starts_from_the_current_folder(mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the decoding process was started in another folder; the frames name the path as it was given."""
    read_video(mp4, VideoConfig())
    monkeypatch.chdir(mp4.parent)
    assert "whole.mp4" == read_video("whole.mp4", VideoConfig()).path


def test_long_clips_are_sought_in(folder: Path) -> None:
    """Beyond 600 frames decord seeks between key frames, and still every frame is the one asked for."""
    frames = read_video(clips.write_clip(folder / "long.mp4", 700, gop=50, b_frames=3), VideoConfig(nframes=40))
    assert tuple(index % clips.COLOURS for index in frames.indices) == numbers(frames)
    assert (0, 699) == (frames.indices[0], frames.indices[-1])


def test_frames_belong_to_the_caller(folder: Path, mp4: Path) -> None:
    """They can be written to, and the next clip does not overwrite them."""
    first = read_video(mp4, VideoConfig())
    first.pixels[0] = 7
    read_video(clips.write_clip(folder / "next.mp4", 24, size=(64, 48)), VideoConfig())
    assert 7 == first.pixels[0].min() == first.pixels[0].max()
    assert SIXTEEN[1:] == numbers(first)[1:]


# Files that cannot be used


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _picture_file(path: Path) -> None:
    Image.fromarray(clips.picture(3, 64, 48)).save(path)


def _covered(path: Path) -> None:
    """Sound with a picture on its cover."""
    with av.open(str(path), "w") as container:
        cover, sound = container.add_stream("mjpeg", rate=1), container.add_stream("aac", rate=16000)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 64, 48, "yuvj420p", av.stream.Disposition.attached_pic
        for packet in cover.encode(av.VideoFrame.from_ndarray(clips.picture(3, 64, 48), format="rgb24")) + cover.encode():
            container.mux(packet)
        clips.add_silence(container, sound, seconds=1.0)


def _encrypted(path: Path) -> None:
    source = clips.write_clip(path.with_name("open.mp4"), 8)
    clips.patched(source, path, b"avc1", 0, b"encv") if source.read_bytes().count(b"avc1") == 1 else _patched_last(source, path)


def _patched_last(source: Path, target: Path) -> None:
    data = source.read_bytes()
    at = data.rindex(b"avc1")
    target.write_bytes(data[:at] + b"encv" + data[at + 4 :])


FAULTY: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.mp4": (lambda path: None, "no such file"),
    "folder.mp4": (lambda path: path.mkdir(), "is a folder"),
    "empty.mp4": (lambda path: path.touch(), "is empty (0 bytes)"),
    "fifo.mp4": (_fifo, "is not a regular file"),
    "loop.mp4": (lambda path: path.symlink_to(path), "cannot be opened"),
    "text.mp4": (lambda path: path.write_text("Once upon a time\n" * 99), "is text, not a video"),
    "one_letter.mp4": (lambda path: path.write_text("a"), "is text, not a video"),
    "umlauts.mp4": (lambda path: path.write_text("ü" * 4001), "is text, not a video"),
    "playlist.m3u8": (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nwhole.mp4\n"), "is text, not a video"),
    "noise.mp4": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), "is not a video"),
    "sound.mp4": (clips.write_audio, "has no video track"),
    "picture.png": (_picture_file, "is a still picture (png)"),
    "picture.jpg": (_picture_file, "is a still picture (mjpeg)"),
    "picture.webp": (_picture_file, "is a still picture"),
    "picture.gif": (_picture_file, "is a still picture (gif)"),
    "picture.bmp": (_picture_file, "is a still picture (bmp)"),
    "cover.mp4": (_covered, "but sound with a cover picture"),
    "encrypted.mp4": (_encrypted, "is encrypted"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_what_is_no_video_is_named(tmp_path: Path, name: str) -> None:
    """Each kind of wrong file has its own words; none is opened in a way that waits."""
    make, words = FAULTY[name]
    make(tmp_path / name)
    assert words in fault_of(tmp_path / name)


@pytest.mark.parametrize("name", [name for name in FAULTY if name != "picture.gif"])
def test_the_beginning_shows_it(tmp_path: Path, name: str) -> None:
    """Before a run, with the same words: nothing is decoded for it. Only a GIF's number of pictures is not seen."""
    make, words = FAULTY[name]
    make(tmp_path / name)
    with pytest.raises(VideoError, match=re.escape(words)):
        probe_video(tmp_path / name, 20)


def test_the_beginning_of_a_whole_clip(mp4: Path, folder: Path) -> None:
    """It is passed; so is one whose damage lies further on, and one that is cut is told by its own declaration."""
    probe_video(mp4, 20)
    probe_video(clips.flipped(mp4, folder / "later.mp4", 0.4, 0.6), 20)
    with pytest.raises(VideoError, match="is truncated"):
        probe_video(clips.truncated(mp4, folder / "short.mp4", 0.5), 20)
    assert SIXTEEN == read_video(mp4, VideoConfig()).indices


@pytest.mark.parametrize("address", ["https://example.org/clip.mp4", "file:///tmp/clip.mp4", "s3://bucket/clip.mp4", "rtsp://camera/1"])
def test_addresses_are_not_read(address: str) -> None:
    """That is said, in place of "no such file"."""
    assert "is an address, and videos are read from files; download it" in fault_of(address)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("~/clips/a.mp4", "~ and $NAMES are not replaced in paths: write out /home/somebody/clips/a.mp4"),
        ("$CLIPS/a.mp4", "~ and $NAMES are not replaced in paths: write out /data/a.mp4"),
        ("/data/~/clips/a.mp4", "write out /home/somebody/clips/a.mp4"),
    ],
)
def test_paths_that_a_shell_would_replace(path: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not there under a name with ~ or $ in it: the message has the path that was probably meant."""
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("CLIPS", "/data")
    decoder().stop()  # the next one has this environment
    assert words in fault_of(path)


def test_a_missing_file_is_told_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was looked for, and whether the folder is there."""
    monkeypatch.chdir(tmp_path)
    assert f"no such file ({tmp_path}/gone.mp4), its folder is there" in fault_of("gone.mp4")
    assert f"no such file ({tmp_path}/a/gone.mp4), its folder {tmp_path}/a is not there either" in fault_of("a/gone.mp4")


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_a_clip_without_frames_is_named(folder: Path, suffix: str) -> None:
    """A header that announces a picture track, and no picture."""
    assert re.search("contains no frames|one without frames", fault_of(clips.write_clip(folder / f"none.{suffix}", 0)))


@pytest.mark.parametrize("container", ["mp4", "fast", "mkv", "webm", "avi"])
@pytest.mark.parametrize("share", [0.05, 0.35, 0.65, 0.95, 0.9999])
def test_a_truncated_file_is_never_read(folder: Path, textured: dict[str, Path], container: str, share: float) -> None:
    """Whatever is missing from its end, down to one byte, the file is refused as truncated, although FFmpeg plays what there is."""
    source = textured[container]
    cut = clips.truncated(source, folder / f"cut{source.suffix}", share)
    assert "truncated" in fault_of(cut)


def test_a_file_without_its_index_is_named(folder: Path, mp4: Path) -> None:
    """An mp4 whose recording was interrupted has no moov box."""
    assert "its index (moov box) is missing" in fault_of(clips.patched(mp4, folder / "nomoov.mp4", b"moov", 0, b"free"))


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
def test_flipped_bytes_are_found(folder: Path, textured: dict[str, Path], container: str) -> None:
    """Damage in the middle of the coded data, which decord covers up, is refused."""
    source = textured[container]
    assert "damaged" in fault_of(clips.flipped(source, folder / f"flipped{source.suffix}", 0.4, 0.6))


def test_damage_in_a_long_clip_that_is_sought_in(folder: Path) -> None:
    """Of a transport stream, which PyAV reads: complaints of one group of pictures are still there when the last was read."""
    source = clips.write_clip(folder / "long.ts", 700, gop=50, texture=True, codec="libx264")
    whole = read_video(source, VideoConfig(nframes=40))
    assert ("pyav", 700) == (whole.reader, whole.total_frames)
    assert "damaged" in fault_of(clips.flipped(source, folder / "flipped.ts", 0.3, 0.4, every=977), VideoConfig(nframes=40))


def test_an_absurd_size_in_the_header_is_survived(folder: Path, mp4: Path) -> None:
    """65,535 x 65,535 in the sample description: the coded data know better, and no memory is taken for it."""
    giant = clips.patched(mp4, folder / "giant.mp4", b"stsd", 44, b"\xff\xff\xff\xff")
    pid = decoder().pid
    assert SIXTEEN == numbers(read_video(giant, VideoConfig()))
    assert pid in (None, decoder().pid)


@pytest.mark.parametrize(("shown", "silent", "every"), [(60, 10, 0), (300, 131, 0), (2, 300, 0), (64, 0, 5), (620, 131, 0), (700, 0, 5)])
def test_packets_without_a_picture_are_no_frames(folder: Path, shown: int, silent: int, every: int) -> None:
    """decord counts packets. Where some hold no picture it repeats or shifts frames, and hangs from 129 missing ones on: PyAV reads those.

    A file that ends with such a packet shows its last picture once more, at that packet's time.
    """
    path = clips.write_silent(folder / "silent.mp4", shown, silent, every=every)
    started = time.monotonic()
    frames = read_video(path, VideoConfig(nframes=64))
    assert time.monotonic() - started < VideoConfig().timeout
    ends_without = silent > 0 or (every > 0 and shown % every == 0)
    assert (shown + ends_without, "pyav") == (frames.total_frames, frames.reader)
    assert [min(index, shown - 1) % clips.COLOURS for index in frames.indices] == list(numbers(frames))
    packets = shown + silent + (shown // every if every else 0)
    assert pytest.approx(packets / 30, abs=0.04) == frames.times[-1] + 1 / 30


def test_a_packet_without_a_picture_at_the_end_of_an_avi(folder: Path) -> None:
    """An AVI with B-frames may count one packet more than it has pictures: all pictures are read."""
    frames = read_video(clips.write_silent(folder / "held.avi", 30, 1, b_frames=2), VideoConfig(nframes=40))
    assert tuple(range(30)) == numbers(frames)[:30]


def test_frames_that_do_not_fit_into_memory_are_refused_first() -> None:
    """Before memory is taken, the need is compared with what is free, and the advice is fewer frames."""
    with pytest.raises(TooLargeError, match="ask for fewer frames"):
        check_memory((768, 1 << 16, 1 << 16, 3))
