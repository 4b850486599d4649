"""vreason_tracking.records.parquet_reader: a file of any version is read as one of ours, and every reader refuses a damaged one in the same
words.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.helpers import compared
from vreason.errors import TrackingError
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.comparison.sample_flips import _rows as listed_rows
from vreason_tracking.comparison.sample_pages.reading import _rows as page_rows
from vreason_tracking.records.arrow_types import VERSION_KEY, arrow_schema
from vreason_tracking.records.parquet_reader import DAMAGE, record_file
from vreason_tracking.records.sample_table import read_samples
from vreason_tracking.records.step_table import read_steps

HINT = "restore it, or move it away: then the run is read from its journal, if that is on this machine"


@pytest.fixture
def run(tmp_path):
    """A recorded one."""
    return compared.recorded(tmp_path, "run", compared.make_samples(40, 5, steps=6))


def readers(run):
    """Everything that reads a record, with the file that it reads."""
    return [
        (run.samples, "samples", lambda: read_samples(run.samples)),
        (run.samples, "samples", lambda: listed_rows(run)),
        (run.samples, "samples", lambda: page_rows(run, ["q-0003"])),
        (run.steps, "steps", lambda: read_steps([run.steps], {"q-0003"}, {"q-0003"})),
    ]


def refusal(read):
    """What it is refused with."""
    with pytest.raises(TrackingError) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table", b"PAR1" + bytes(64) + b"PAR1", None])
def test_all_readers_say_the_same(run, content) -> None:
    """Of a file that is none, and of one that is not there: which one, of what, why, and what to do."""
    for path in (run.samples, run.steps):
        path.unlink() if content is None else path.write_bytes(content)
    told = {refusal(read).replace(str(path), "FILE").replace(what, "WHAT") for path, what, read in readers(run)}
    assert 1 == len(told), told
    [message] = told
    assert message.startswith("FILE: is not a record of WHAT (")
    assert message.endswith(f"); {HINT}")
    assert "\n" not in message


def test_a_flipped_byte_is_found_by_all(run) -> None:
    """Each page of the file has its checksum, and every reader looks at it."""
    for path in {path for path, *_ in readers(run)}:
        whole = bytearray(path.read_bytes())
        group = pq.read_metadata(path).row_group(0)
        for column in map(group.column, range(group.num_columns)):
            whole[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1] ^= 0xFF
        path.write_bytes(bytes(whole))
    for path, what, read in readers(run):
        assert f"{path}: is not a record of {what} (" in refusal(read)


@pytest.mark.parametrize("fault", [OSError, pa.ArrowInvalid, KeyError, ValueError, TypeError, AttributeError])
def test_every_kind_of_damage(run, fault) -> None:
    """Whatever a library raises over a damaged file is one error of ours; what we raise ourselves passes."""
    assert issubclass(fault, DAMAGE)
    with pytest.raises(TrackingError, match=r"is not a record of samples .*odd"), record_file(run.samples, SampleRecord, "samples"):
        raise fault("odd")
    with pytest.raises(TrackingError, match=r"^ours$"), record_file(run.samples, SampleRecord, "samples"):
        raise TrackingError("ours")


def samples_of(path):
    return record_file(path, SampleRecord, "samples")


def changed(run, change, version=None):
    """The run's samples as another version left them: with other columns, and with its number or, before version 4, without one."""
    metadata = {} if version is None else {VERSION_KEY: str(version)}
    return compared.rewritten(run, lambda table: change(table).replace_schema_metadata(metadata)).samples


def test_columns_in_the_order_asked_for(run) -> None:
    """Whole columns, and no others; a filter leaves rows out."""
    with samples_of(run.samples) as file:
        table = file.read(["score", "sample_id"])
        assert (["score", "sample_id"], 40) == (table.column_names, table.num_rows)
        one = file.read(["sample_id", "frames"], pc.field("sample_id") == "q-0007")
        assert [{"sample_id": "q-0007", "frames": 8}] == one.to_pylist()


def test_row_groups(run) -> None:
    """A file can be read a group at a time; together they are the whole."""
    pieces = compared.rewritten(run, lambda table: table, row_group_size=15)
    with samples_of(pieces.samples) as file:
        groups = [file.read_group(number, ["sample_id", "score"]) for number in range(file.row_groups)]
        assert [15, 15, 10] == [group.num_rows for group in groups]
        assert file.read(["sample_id", "score"]).to_pylist() == pa.concat_tables(groups).to_pylist()


@pytest.mark.parametrize(
    ("version", "gone"),
    [
        (None, ("peak_allocated_bytes", "peak_reserved_bytes", "benchmark", "token_ends", "rotation_place", "other_load", "cpu_steal")),
        (None, ("benchmark", "token_ends", "rotation_place", "other_load", "cpu_steal")),
        (3, ("rotation_place", "other_load", "cpu_steal")),
    ],
)
def test_columns_that_an_earlier_version_lacks(run, version, gone) -> None:
    """They are there all the same, each as its default, in whole columns, filtered ones and row groups; nothing else changes."""
    defaults = {"peak_allocated_bytes": [], "peak_reserved_bytes": [], "benchmark": "", "token_ends": []}
    names = ["sample_id", *gone, "score"]
    with samples_of(run.samples) as file:
        expected = [row | {name: defaults.get(name) for name in gone} for row in file.read(names).to_pylist()]
    with samples_of(changed(run, lambda table: table.drop_columns(list(gone)), version)) as file:
        assert names == file.read(names).column_names
        assert expected == file.read(names).to_pylist() == file.read_group(0, names).to_pylist()
        assert expected[:3] == file.read(names, pc.field("sample_id") < "q-0003").to_pylist()
        assert arrow_schema(SampleRecord).field(gone[0]).type == file.read(names).schema.field(gone[0]).type


@pytest.mark.parametrize(
    ("version", "gone"),
    [(None, "score"), (None, "frames"), (None, "error"), (3, "benchmark"), (4, "benchmark"), (4, "other_load"), (5, "cpu_steal")],
)
def test_a_column_that_must_be_there(run, version, gone) -> None:
    """What the file's own version has is damage if it is missing, also where the reader asks for other columns."""
    path = changed(run, lambda table: table.drop_columns([gone]), version)
    with (
        pytest.raises(TrackingError, match=re.escape(f"{path}: is not a record of samples (the column {gone} is missing)")),
        samples_of(path),
    ):
        pass


def test_a_later_version(run) -> None:
    """Columns that nobody here knows are passed over; those that are known are read."""
    path = changed(run, lambda table: table.append_column("from_the_future", pa.array([7] * table.num_rows)), 99)
    with samples_of(path) as file:
        assert 40 == file.read(["sample_id", "cpu_steal"]).num_rows


def test_another_kind_of_record(run) -> None:
    """Steps are no samples."""
    with pytest.raises(TrackingError, match="is not a record of samples"), samples_of(run.steps):
        pass


def test_dictionaries(run) -> None:
    """A column that is asked for as a dictionary is one."""
    with record_file(run.steps, StepRecord, "steps", dictionaries=["sample_id"]) as file:
        column = file.read_group(0, ["sample_id"]).column("sample_id")
        assert pa.types.is_dictionary(column.type)
        assert 40 == len(column.unique())
