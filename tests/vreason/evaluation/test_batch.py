"""vreason.evaluation.batch: a list cut into batches, their frames read, and the reason where a video has none."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.evaluations import CONFIG
from vreason.benchmarks import Sample
from vreason.errors import DataError
from vreason.evaluation import batch
from vreason.evaluation.batch import LoadedSample, batches_of, read_batch, require_unique_ids
from vreason.video.frames import read_video


@pytest.mark.parametrize(("size", "lengths"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_a_list_is_cut_in_its_order(size: int, lengths: list[int]) -> None:
    """Batches of one size but for the last, together the list."""
    samples = [Sample(str(i), "a.mp4", "Up?", "A", "free-form") for i in range(5)]
    cut = batches_of(samples, size)
    assert lengths == [len(each) for each in cut]
    assert samples == [sample for each in cut for sample in each]
    assert [] == batches_of([], size)


def test_a_batch_has_the_frames_of_its_videos(samples: list[Sample]) -> None:
    """Each sample with the frames that its video has under the settings given, and the time that reading took; no inputs yet."""
    made = read_batch(samples[:2], CONFIG.video)
    assert samples[:2] == [each.sample for each in made.samples]
    for each in made.samples:
        expected = read_video(each.sample.video, CONFIG.video)
        assert each.frames is not None
        assert expected.indices == each.frames.indices
        assert np.array_equal(expected.pixels, each.frames.pixels)
        assert each.error is None
        assert each.decode_ms > 0
    assert list(made.samples) == made.readable
    assert {} == made.inputs


def test_a_video_that_cannot_be_used_is_its_sample_s_error(samples: list[Sample], tmp_path: Path) -> None:
    """A missing file and a text file: file and reason in words, no frames; the others are readable, in their order."""
    (tmp_path / "text.mp4").write_text("this is no video")
    bad = [replace(samples[1], sample_id=name, video=str(tmp_path / name)) for name in ("missing.mp4", "text.mp4")]
    made = read_batch([samples[0], *bad, samples[2]], CONFIG.video)
    assert [None, bad[0].video, bad[1].video, None] == [each.error and each.error.split(": ")[0] for each in made.samples]
    assert [True, False, False, True] == [each.frames is not None for each in made.samples]
    assert [samples[0], samples[2]] == [each.sample for each in made.readable]
    assert all(each.decode_ms > 0 for each in made.samples)


def test_a_video_without_memory_for_it_is_its_sample_s_error(samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file and what makes it smaller."""

    def read(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(batch, "read_video", read)
    (each,) = read_batch(samples[:1], CONFIG.video).samples
    assert (each.error or "").startswith(f"{samples[0].video}: not enough memory for its frames; fewer frames (video.nframes)")
    assert each.frames is None


def test_another_fault_is_nobody_s_sample_error(samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is neither the video's nor a lack of memory goes through."""

    def read(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(batch, "read_video", read)
    with pytest.raises(ZeroDivisionError):
        read_batch(samples[:1], CONFIG.video)


def test_a_loaded_sample_is_frozen(samples: list[Sample]) -> None:
    """Variants that share a batch cannot change each other's frames for others."""
    each = LoadedSample(samples[0], None, "a.mp4: is missing", 1.0)
    with pytest.raises(FrozenInstanceError):
        each.error = None  # type: ignore[misc]


def test_ids_must_differ(samples: list[Sample]) -> None:
    """DataError counts each repeated id, names ten and counts the rest; different ids are right, and so is no sample."""
    require_unique_ids(samples)
    require_unique_ids([])
    with pytest.raises(DataError, match=r"^sample ids must differ, but these are repeated: 'a' \(3 times\); give each sample its own$"):
        require_unique_ids([replace(samples[0], sample_id=name) for name in "abaca"])
    with pytest.raises(DataError, match=r"'id-9' \(2 times\) and 15 more; give each sample its own"):
        require_unique_ids([replace(samples[0], sample_id=f"id-{i % 25}") for i in range(50)])
