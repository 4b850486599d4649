"""The schema of the record in Arrow's types, as the Parquet files have it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from vreason.events import RECORD_VERSION
from vreason_tracking.records.schema import Column, columns_of

VERSION_KEY = b"vreason.record_version"
"""Metadata of a file's schema: the version of the record that it holds. Files of versions before 4 do not have it."""

_TYPES: dict[type, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def arrow_type(column: Column) -> pa.DataType:
    """The type of a column."""
    return pa.list_(_TYPES[column.kind]) if column.many else _TYPES[column.kind]


def arrow_schema(record: type[Any]) -> pa.Schema:
    """The schema of a record's class, with the version that is written."""
    columns = [(column.name, arrow_type(column)) for column in columns_of(record)]
    return pa.schema(columns, metadata={VERSION_KEY: str(RECORD_VERSION).encode()})
