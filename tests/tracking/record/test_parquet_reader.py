"""vreason_tracking.record.parquet_reader: every reader of a record refuses a damaged file in the same words."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers import compared
from vreason.errors import TrackingError
from vreason_tracking.comparison.sample_flips import _rows as listed_rows
from vreason_tracking.comparison.sample_pages.reading import _rows as page_rows
from vreason_tracking.record.parquet_reader import DAMAGE, columns_of, record_file
from vreason_tracking.record.sample_table import read_samples
from vreason_tracking.record.step_table import read_steps

MEND = "restore it, or move it away: then the run is read from its journal, if that is on this machine"


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
    assert message.endswith(f"); {MEND}")
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
    with pytest.raises(TrackingError, match=r"is not a record of samples .*odd"), record_file(run.samples, "samples"):
        raise fault("odd")
    with pytest.raises(TrackingError, match=r"^ours$"), record_file(run.samples, "samples"):
        raise TrackingError("ours")


def test_columns(run) -> None:
    """Those that must be there, then those that may; a missing one is named."""
    with record_file(run.samples, "samples") as file:
        assert ["score", "sample_id", "frames"] == columns_of(file, ["score", "sample_id"], ["none", "frames"])
        with pytest.raises(ValueError, match="the column none is missing"):
            columns_of(file, ["score", "none"])
