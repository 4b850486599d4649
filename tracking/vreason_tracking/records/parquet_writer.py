"""The whole record as two Parquet files: one row a step, one row a sample. Written as the run goes, a row group at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vreason.events import SampleRecord, StepRecord
from vreason_tracking.records.arrow_types import arrow_schema
from vreason_tracking.stores import sanitize_text

_ROWS = 20_000  # steps kept back before a row group is written


def storable_row(record: SampleRecord | StepRecord) -> dict[str, Any]:
    """A record as a row, its texts in characters that UTF-8 has: a data file in JSON may hold others."""
    row = asdict(record)
    texts = {name: sanitize_text(value) for name, value in row.items() if isinstance(value, str)}
    return {**row, **texts, **({"options": [sanitize_text(option) for option in row["options"]]} if "options" in row else {})}


class RecordTables:
    """Writes ``steps.parquet`` and ``samples.parquet`` in `folder`. Close it, also after a failure: the rows so far are kept."""

    def __init__(self, folder: Path) -> None:
        self.paths = {StepRecord: folder / "steps.parquet", SampleRecord: folder / "samples.parquet"}
        self._writers = {kind: pq.ParquetWriter(path, arrow_schema(kind), write_page_checksum=True) for kind, path in self.paths.items()}
        self._waiting: dict[type[Any], list[Any]] = {kind: [] for kind in self.paths}

    def add(self, sample: SampleRecord, steps: Sequence[StepRecord]) -> None:
        """Take in a finished sample with its steps."""
        self._waiting[SampleRecord].append(sample)
        self._waiting[StepRecord].extend(steps)
        if len(self._waiting[StepRecord]) >= _ROWS:
            self._write()

    def close(self) -> None:
        """Write what is left and close both files."""
        self._write()
        for writer in self._writers.values():
            writer.close()

    def _write(self) -> None:
        for kind, rows in self._waiting.items():
            if rows:
                self._writers[kind].write_table(pa.Table.from_pylist([storable_row(row) for row in rows], schema=arrow_schema(kind)))
                rows.clear()
