"""What the runs of `schedule.py` are asked: questions of the embedded benchmark, other ones each time, and clips that take long to read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np

from vreason.benchmarks import Sample, load_samples

CLIPS = 240
"""Clips of the embedded benchmark, the splits test and validation together."""
_A_SPLIT, _A_CLIP = 120, 4  # clips of a split, questions about a clip
_WIDTH, _HEIGHT, _FPS = 1280, 720, 25
_BLOCK = 16  # pixels of one colour, a side


def question_sets(repeats: int, count: int) -> list[list[Sample]]:
    """`count` questions for each repeat, no two of a repeat about one clip; other ones each time, until all 960 were asked.

    Args:
        repeats: number of sets.
        count: questions of a set, at most `CLIPS`.
    """
    clips = min(CLIPS, max(count, -(-repeats * count // _A_CLIP)))
    every = list(load_samples("demo", "test", limit=_A_CLIP * min(clips, _A_SPLIT)))
    if clips > _A_SPLIT:
        every += load_samples("demo", "validation", limit=_A_CLIP * (clips - _A_SPLIT))
    turns = [sample for turn in range(_A_CLIP) for sample in every[turn::_A_CLIP]]
    return [[turns[(number * count + place) % len(turns)] for place in range(count)] for number in range(repeats)]


def long_clips(folder: Path, count: int, seconds: int) -> list[Sample]:
    """A question about each of `count` clips of so many seconds in `folder`: one is written, the others are copies, which are read all the
    same.
    """
    first = write_clip(folder / "long-0.mp4", seconds)
    videos = [first, *(Path(shutil.copy(first, folder / f"long-{number}.mp4")) for number in range(1, count))]
    return [Sample(video.stem, str(video), "Which way does it move?", "right", "free-form") for video in videos]


def write_clip(path: Path, seconds: int) -> Path:
    """A clip of 1280 x 720 pixels, 25 frames a second, H.264 in MP4: coloured blocks that drift under a grain, some 2 Mbit/s."""
    rng = np.random.default_rng(0)
    colours = rng.integers(40, 216, (_HEIGHT // _BLOCK, _WIDTH // _BLOCK, 3), dtype=np.uint8)
    picture = np.kron(colours, np.ones((_BLOCK, _BLOCK, 1), np.uint8))
    grain = rng.integers(0, 16, (_HEIGHT, _WIDTH, 1), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        for number in range(seconds * _FPS):
            drifted = np.roll(picture, (2 * number, 3 * number), (0, 1))
            pixels = drifted + np.roll(grain, tuple(rng.integers(0, _HEIGHT, 2)), (0, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def write_rows(path: Path, samples: Sequence[Sample]) -> Path:
    """The samples as a JSONL file that a config can name."""
    rows = [{**asdict(sample), "id": sample.sample_id, **sample.metadata} for sample in samples]
    unnamed = ("sample_id", "metadata")
    path.write_text("".join(json.dumps({name: value for name, value in row.items() if name not in unnamed}) + "\n" for row in rows))
    return path
