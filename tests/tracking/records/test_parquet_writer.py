"""vreason_tracking.records.parquet_writer: the whole record as Parquet."""

from __future__ import annotations

from dataclasses import asdict, fields

import pyarrow.parquet as pq
import pytest

from tests.helpers import records
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.records.parquet_writer import RecordTables


def rows(path):
    return pq.read_table(path).to_pylist()


def plain(record):
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(record).items()}


def test_every_field_comes_back(tmp_path) -> None:
    """Rows equal the records, field by field, None and empty lists included."""
    reply = records.steps("a", 6)
    whole, broken = records.sample("a", reply, signatures=("truncated", "unparsed")), records.failed("b")
    tables = RecordTables(tmp_path)
    tables.add(whole, reply)
    tables.add(broken, [])
    tables.close()
    assert 6 == len(whole.token_ends)
    assert [plain(whole), plain(broken)] == rows(tmp_path / "samples.parquet")
    assert [plain(step) for step in reply] == rows(tmp_path / "steps.parquet")


def test_baseline_steps_have_empty_controller_fields(tmp_path) -> None:
    """Without a controller the columns are there and empty, so that tables of different variants can be joined."""
    tables = RecordTables(tmp_path)
    tables.add(records.sample("a"), records.steps("a", 5, controller=False))
    tables.close()
    table = pq.read_table(tmp_path / "steps.parquet")
    assert [5] * 4 == [table[name].null_count for name in ("loss", "delta_v_norm", "grad_norm", "value_cosine")]


@pytest.mark.parametrize(("file", "kind"), [("steps.parquet", StepRecord), ("samples.parquet", SampleRecord)])
def test_columns_are_the_fields(tmp_path, file, kind) -> None:
    """Also without a row: the columns are the record's fields in their order."""
    RecordTables(tmp_path).close()
    assert [field.name for field in fields(kind)] == pq.read_table(tmp_path / file).column_names
    assert [] == rows(tmp_path / file)


def test_a_long_run_is_whole_and_in_order(tmp_path) -> None:
    """Rows that were written on the way and rows left for the end make one table without gaps or doubles."""
    tables = RecordTables(tmp_path)
    replies = [records.steps(f"s-{number}", 10_500) for number in range(3)]
    for number, reply in enumerate(replies):
        tables.add(records.sample(f"s-{number}"), reply)
    tables.close()
    expected = [(step.sample_id, step.token_index) for reply in replies for step in reply]
    table = pq.read_table(tmp_path / "steps.parquet", columns=["sample_id", "token_index"])
    assert expected == list(zip(table["sample_id"].to_pylist(), table["token_index"].to_pylist(), strict=True))
    assert [f"s-{number}" for number in range(3)] == [row["sample_id"] for row in rows(tmp_path / "samples.parquet")]
    assert 1 < pq.ParquetFile(tmp_path / "steps.parquet").num_row_groups
