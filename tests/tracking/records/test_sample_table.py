"""vreason_tracking.records.sample_table: a run's samples as columns, or one clear error."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers import compared, records
from vreason.errors import TrackingError
from vreason_tracking.records.sample_table import read_samples, samples_table

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def written(folder, *samples, change=lambda table: table):
    return compared.rewritten(compared.recorded(folder, "run", [(sample, ()) for sample in samples]), change).samples


def replaced(name, values):
    return lambda table: table.set_column(table.column_names.index(name), name, values)


def test_what_was_asked(tmp_path) -> None:
    """The digest tells questions apart by their file's name, text, options, kind and answer, and by nothing that the run did."""
    same = [{}, {"score": 0.0, "output": "x"}, {"video": "D:\\elsewhere\\s.mp4"}, {"video": "/mnt/s.mp4"}, {"category": "other"}]
    others = [
        {"question": "?"},
        {"options": ("right", "left")},
        {"options": ()},
        {"answer": "A"},
        {"problem_type": "OCR"},
        {"video": "t.mp4"},
    ]
    samples = [records.sample(f"s-{number:02d}", **{"video": "clips/s.mp4"} | each) for number, each in enumerate([*same, *others])]
    asked = read_samples(written(tmp_path, *samples)).question_digests
    assert 1 == len(set(asked[: len(same)]))
    assert 1 + len(others) == len(set(asked))


def test_nothing_recorded(tmp_path) -> None:
    """A run that ended before its first sample has an empty table."""
    table = read_samples(written(tmp_path))
    assert ([], []) == (table.ids, table.question_digests)
    assert 0 == len(table.numbers["score"])


def test_what_is_missing_is_nan(tmp_path) -> None:
    """A failed sample has no score, and no number is made up for it."""
    table = read_samples(written(tmp_path, records.failed("s-1"), records.sample("s-2")))
    assert [True, False] == np.isnan(table.numbers["score"]).tolist()
    assert np.isnan(table.numbers["generation_ms"][0])
    assert ["clips/s-9.mp4: is not a video", None] == table.texts["error"]


def test_an_earlier_record(tmp_path) -> None:
    """Columns that an earlier version did not write are as they are where nothing is known."""
    gone = ["benchmark", "token_ends", "peak_allocated_bytes", "rotation_place", "other_load", "cpu_steal"]
    table = read_samples(written(tmp_path, records.sample("s-1"), change=lambda whole: whole.drop_columns(gone).replace_schema_metadata()))
    assert ([""], [[]]) == (table.texts["benchmark"], table.lists["peak_allocated_bytes"])
    assert [True] * 3 == [bool(np.isnan(table.numbers[name][0])) for name in gone[3:]]


def test_records_at_hand(tmp_path) -> None:
    """Of records in memory the table is that of the file that they are written to, whatever their order."""
    samples = [replace(sample, rotation_place=0) for sample, _ in compared.mixed(3, 40)]
    one, other = samples_table(samples[::-1]), read_samples(written(tmp_path, *samples))
    assert (other.ids, other.question_digests, other.texts, other.lists) == (one.ids, one.question_digests, one.texts, one.lists)
    assert list(other.numbers) == list(one.numbers)
    assert [] == [name for name in other.numbers if not np.array_equal(other.numbers[name], one.numbers[name], equal_nan=True)]


def test_no_records_at_hand() -> None:
    """A run without a finished sample has an empty table."""
    table = samples_table([])
    assert ([], 0) == (table.ids, len(table.numbers["score"]))


@pytest.mark.parametrize(
    ("samples", "wrong"),
    [
        ([records.sample("s-1"), records.sample("s-1")], "sample_id: 's-1' is there twice"),
        ([records.sample("s-1", score=1.5)], "score: 1.5 is none"),
        ([records.sample("s-1", generation_ms=1e200)], r"generation_ms: 1e\+200 is none"),
    ],
)
def test_records_at_hand_that_cannot_be(samples, wrong) -> None:
    """The same values are refused as in a file."""
    with pytest.raises(ValueError, match=wrong):
        samples_table(samples)


@pytest.mark.parametrize(
    "name", ["sample_id", "video", "question", "options", "problem_type", "answer", "score", "output_tokens", "signatures"]
)
def test_a_column_that_must_be_there(tmp_path, name) -> None:
    """Without it the table is none: a run without scores must not look like one that always failed."""
    path = written(tmp_path, records.sample("s-1"), change=lambda table: table.drop_columns([name]))
    with pytest.raises(TrackingError, match=re.escape(str(path)) + ".*is not a record of samples.*" + name):
        read_samples(path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("score", pa.array(["right"])),
        ("score", pa.array([float("inf")])),
        ("score", pa.array([1.5])),
        ("score", pa.array([-0.1])),
        ("generation_ms", pa.array([float("inf")])),
        ("generation_ms", pa.array([1e200])),
        ("output_tokens", pa.array([["7"]])),
        ("video", pa.array([7])),
        ("video", pa.array([None], pa.string())),
    ],
)
def test_values_that_cannot_be(tmp_path, name, values) -> None:
    """They are refused with the file's name: a figure made of them would be nonsense."""
    path = written(tmp_path, records.sample("s-1"), change=replaced(name, values))
    with pytest.raises(TrackingError, match=re.escape(str(path))):
        read_samples(path)


def test_a_sample_twice(tmp_path) -> None:
    """Nobody can say which of the two counts."""
    path = written(tmp_path, *(records.sample(name, score=score) for name, score in (("s-1", 1.0), ("s-2", 1.0), ("s-1", 0.0))))
    with pytest.raises(TrackingError, match=re.escape(f"{path}: is not a record of samples (sample_id: 's-1' is there twice)")):
        read_samples(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table", b"PAR1" + bytes(64) + b"PAR1"])
def test_no_parquet_file(tmp_path, content) -> None:
    """The message names the file and what to do."""
    path = tmp_path / "samples.parquet"
    path.write_bytes(content)
    with pytest.raises(TrackingError, match=re.escape(str(path)) + ".*is not a record of samples.*restore it, or move it away"):
        read_samples(path)


def test_no_file(tmp_path) -> None:
    """Nor is one that is not there, or a folder."""
    for path in (tmp_path / "none.parquet", tmp_path):
        with pytest.raises(TrackingError, match="is not a record of samples"):
            read_samples(path)


def refusal(path):
    """What reading says against a file; None where it is read."""
    try:
        read_samples(path)
    except TrackingError as error:
        return str(error)
    return None


def test_damage_anywhere(tmp_path) -> None:
    """Whatever byte is changed, or wherever the file ends, it is read or refused with its name: there is no other error."""
    path = compared.recorded(tmp_path, "run", compared.mixed(0, 20)).samples
    whole, luck, refusals = path.read_bytes(), np.random.default_rng(3), []
    for number in range(400):
        place = int(luck.integers(0, len(whole)))
        path.write_bytes(whole[:place] if number % 8 == 0 else whole[:place] + bytes([int(luck.integers(0, 256))]) + whole[place + 1 :])
        refusals.append(refusal(path))
    told = [each for each in refusals if each is not None]
    assert len(told) >= 50
    assert all(each.startswith(f"{path}: is not a record of samples (") for each in told)


def test_several_row_groups(tmp_path) -> None:
    """A table in pieces is the same table."""
    run = compared.recorded(tmp_path, "run", compared.mixed(0, 50))
    pieces = compared.rewritten(run, lambda table: table, row_group_size=7)
    assert 8 == pq.ParquetFile(pieces.samples).num_row_groups
    one, other = read_samples(run.samples), read_samples(pieces.samples)
    assert (one.ids, one.question_digests, one.texts, one.lists) == (other.ids, other.question_digests, other.texts, other.lists)
    assert all(np.array_equal(one.numbers[name], other.numbers[name], equal_nan=True) for name in one.numbers)


def test_a_flipped_bit_is_found(tmp_path) -> None:
    """No damage changes a figure in silence: pages carry checksums, and they are looked at."""
    path = compared.recorded(tmp_path, "run", compared.make_samples(60, 6)).samples
    whole, before = path.read_bytes(), read_samples(path)
    refused, pages = 0, len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")  # the file's end says how long its description is
    for place in range(4, pages, 61):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            found = read_samples(path)
        except TrackingError:
            refused += 1
            continue
        assert (before.texts, before.question_digests) == (found.texts, found.question_digests)
        assert all(np.array_equal(before.numbers[name], found.numbers[name], equal_nan=True) for name in before.numbers)
    assert refused > 20
