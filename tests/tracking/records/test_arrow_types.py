"""vreason_tracking.records.arrow_types: the schema of the record in Arrow's types."""

from __future__ import annotations

from dataclasses import MISSING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vreason.events import SampleRecord, StepRecord
from vreason_tracking.records.arrow_types import VERSION_KEY, arrow_schema, arrow_type
from vreason_tracking.records.parquet_writer import RecordTables
from vreason_tracking.records.schema import Column, column_names


@pytest.mark.parametrize(
    ("kind", "many", "expected"),
    [
        (str, False, pa.string()),
        (int, False, pa.int64()),
        (float, False, pa.float64()),
        (bool, False, pa.bool_()),
        (str, True, pa.list_(pa.string())),
        (int, True, pa.list_(pa.int64())),
    ],
)
def test_types(kind, many, expected) -> None:
    """Text, whole number, number and truth value, and lists of them, whether they may be empty or not."""
    for optional in (False, True):
        assert expected == arrow_type(Column("any", kind, many, optional, 1, MISSING))


@pytest.mark.parametrize("record", [StepRecord, SampleRecord])
def test_the_schema_of_a_record(record) -> None:
    """The record's columns in their order, and the version that is written."""
    schema = arrow_schema(record)
    assert column_names(record) == tuple(schema.names)
    assert {b"vreason.record_version": b"6"} == schema.metadata


def test_types_of_real_columns() -> None:
    """Numbers of tokens are whole, times are not, options and ends are lists."""
    samples, steps = arrow_schema(SampleRecord), arrow_schema(StepRecord)
    names = ("output_tokens", "generation_ms", "options", "token_ends", "other_load", "rotation_place")
    expected = [pa.int64(), pa.float64(), pa.list_(pa.string()), pa.list_(pa.int64()), pa.float64(), pa.int64()]
    assert expected == [samples.field(name).type for name in names]
    assert [pa.int64(), pa.bool_(), pa.float64()] == [steps.field(name).type for name in ("alpha", "updated", "loss")]


def test_a_file_tells_its_version(tmp_path) -> None:
    """What is written says of itself which version it is."""
    RecordTables(tmp_path).close()
    for name in ("samples", "steps"):
        assert b"6" == pq.read_schema(tmp_path / f"{name}.parquet").metadata[VERSION_KEY]
