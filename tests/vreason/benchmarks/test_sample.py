"""A sample, and the digest that tells two data sets apart."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from vreason.benchmarks import Sample, data_digest


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A question about a file of five bytes."""
    (tmp_path / "a.mp4").write_bytes(b"12345")
    return Sample("1", str(tmp_path / "a.mp4"), "Which way?", "A", "multiple choice", ("left", "right"), "direction")


def test_a_sample_is_frozen(sample: Sample) -> None:
    """Nobody changes a question on its way."""
    with pytest.raises(FrozenInstanceError):
        sample.answer = "B"  # type: ignore[misc]


def test_the_digest_fits_mlflow_and_repeats(sample: Sample) -> None:
    """32 hexadecimal digits, the same each time, also out of a generator and without any sample."""
    digest = data_digest([sample])
    assert 32 == len(digest)
    assert set(digest) <= set("0123456789abcdef")
    assert digest == data_digest(one for one in [sample])
    assert digest != data_digest([])


@pytest.mark.parametrize(
    "change",
    [
        {"question": "Which way ?"},
        {"answer": "B"},
        {"options": ("right", "left")},
        {"options": ("leftright",)},
        {"problem_type": "OCR"},
        {"sample_id": "2"},
        {"video": "/nowhere/b.mp4"},
    ],
)
def test_every_part_counts(sample: Sample, change: dict[str, str]) -> None:
    """A change of the question, its options, its answer or its video's name changes the digest."""
    assert data_digest([sample]) != data_digest([replace(sample, **change)])  # type: ignore[arg-type]


def test_the_benchmark_does_not_count(sample: Sample) -> None:
    """What a benchmark is called is no part of what is asked."""
    assert data_digest([sample]) == data_digest([replace(sample, benchmark="VSI-Bench")])


def test_digests_of_older_runs() -> None:
    """These samples had this digest before a sample knew its benchmark: a run of then can be continued, and compared, now."""
    choice = Sample("1", "/nowhere/a.mp4", "Which way, 左?", "A", "multiple choice", ("left", "right"), "direction", "VSI-Bench")
    assert "c12c1334485fb119cacee0923e022eaa" == data_digest([choice, Sample("2", "b.mp4", "How many?", "3", "numerical")])


def test_number_and_order_count(sample: Sample) -> None:
    """One sample twice is another data set, and so is another order."""
    other = replace(sample, sample_id="2")
    assert 4 == len({data_digest(given) for given in ([sample], [sample, sample], [sample, other], [other, sample])})


def test_a_video_counts_by_name_and_size(sample: Sample, tmp_path: Path) -> None:
    """Another folder changes nothing; another size does; a missing file is no error."""
    digest = data_digest([sample])
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "a.mp4").write_bytes(b"abcde")
    assert digest == data_digest([replace(sample, video=str(moved / "a.mp4"))])
    (moved / "a.mp4").write_bytes(b"abcdef")
    assert digest != data_digest([replace(sample, video=str(moved / "a.mp4"))])
    (moved / "a.mp4").unlink()
    assert digest != data_digest([replace(sample, video=str(moved / "a.mp4"))])
