"""The one way in which a Parquet file of a run's record is read: checksums are looked at, columns that an earlier version lacks are added,
and all that can be wrong with it is one clear error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vreason.errors import TrackingError
from vreason_tracking.records.arrow_types import VERSION_KEY, arrow_type
from vreason_tracking.records.schema import Column, columns_of, missing_columns

DAMAGE = (OSError, pa.ArrowException, KeyError, ValueError, TypeError, AttributeError)
"""What reading a Parquet file raises that is damaged, or holds something else."""


class RecordFile:
    """An open Parquet file of one kind of record.

    Args:
        file: open.
        record: the class of its rows.
    """

    def __init__(self, file: pq.ParquetFile, record: type[Any]) -> None:
        self._file = file
        self._columns = {column.name: column for column in columns_of(record)}
        self._present = set(file.schema_arrow.names)
        told = (file.schema_arrow.metadata or {}).get(VERSION_KEY)
        if missing := missing_columns(record, list(self._present), int(told) if told is not None else None):
            raise ValueError(f"the column {missing[0]} is missing")

    @property
    def row_groups(self) -> int:
        """Number of row groups."""
        return int(self._file.num_row_groups)

    def read(self, names: Sequence[str], filters: Any = None) -> pa.Table:
        """Whole columns, in the order of `names`."""
        found: pa.Table = self._file.read(columns=self._there(names))
        return self._completed(found if filters is None else found.filter(filters), names)

    def read_group(self, number: int, names: Sequence[str]) -> pa.Table:
        """The columns of one row group."""
        return self._completed(self._file.read_row_group(number, columns=self._there(names), use_threads=False), names)

    def _there(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self._present]

    def _completed(self, table: pa.Table, names: Sequence[str]) -> pa.Table:
        """With the columns that this file's version lacks, as their defaults."""
        for name in names:
            if name not in self._present:
                table = table.append_column(name, _defaults(self._columns[name], table.num_rows))
        return table.select(list(names))


def _defaults(column: Column, rows: int) -> pa.Array:
    value = column.default
    assert value is not MISSING, "a column that may be missing has a default"
    return pa.array([list(value) if column.many and value is not None else value] * rows, arrow_type(column))


@contextmanager
def record_file(path: Path, record: type[Any], what: str, dictionaries: Sequence[str] = ()) -> Iterator[RecordFile]:
    """The file, open until the end of the block; whatever of `DAMAGE` is raised in the block is its fault.

    Args:
        path: of the file.
        record: the class of its rows, `SampleRecord` or `StepRecord`.
        what: it should hold, for the message: "samples" or "steps".
        dictionaries: columns to read as dictionaries.

    Raises:
        TrackingError: the file is not such a record.
    """
    try:
        with pq.ParquetFile(path, read_dictionary=list(dictionaries) or None, page_checksum_verification=True) as file:
            yield RecordFile(file, record)
    except DAMAGE as error:
        hint = "restore it, or move it away: then the run is read from its journal, if that is on this machine"
        raise TrackingError(f"{path}: is not a record of {what} ({' '.join(str(error).split())}); {hint}") from error
