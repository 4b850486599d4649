"""The samples of one run as columns, read from Parquet; texts that no figure needs stay in the file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vreason.errors import TrackingError

_ASKED = ("video", "question", "options", "problem_type", "answer")  # what makes a question the same one, beside its id
_TEXTS = ("benchmark", "category", "prediction", "error", "memory_source")
_NUMBERS = (
    "score",
    "output_tokens",
    "generation_ms",
    "time_to_first_token_ms",
    "control_ms",
    "peak_token",
    "peak_memory_bytes",
    "video_seconds",
    "started_ms",
)
_LISTS = ("signatures", "peak_allocated_bytes")


@dataclass(frozen=True)
class SampleTable:
    """Finished samples of a run, by id in alphabetical order, shape (n,) each.

    Attributes:
        ids: sample ids.
        asked: a digest of what was asked, a sample; two samples are the same question where id and digest are.
        texts: columns of text, None for what is missing.
        numbers: columns of numbers, NaN for what is missing.
        lists: columns of lists.
    """

    ids: list[str]
    asked: list[bytes]
    texts: dict[str, list[Any]]
    numbers: dict[str, NDArray[np.float64]]
    lists: dict[str, list[Any]]


def read_samples(path: Path) -> SampleTable:
    """Read a run's samples.

    Raises:
        TrackingError: the file is not such a table.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = [name for name in ("sample_id", *_ASKED, *_TEXTS, *_NUMBERS, *_LISTS) if name in file.schema_arrow.names]
            table = file.read(columns=names).sort_by("sample_id")
        return _of(table)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise TrackingError(f"{path}: is not a record of samples ({error}); restore it, or compare the run from its journal") from error


def _of(table: pa.Table) -> SampleTable:
    there = set(table.column_names)
    rows = table.num_rows
    asked = zip(*(_asked(table, name) for name in _ASKED), strict=True)
    return SampleTable(
        ids=table.column("sample_id").to_pylist(),
        asked=[hashlib.blake2b(repr(each).encode(), digest_size=16).digest() for each in asked],
        texts={name: table.column(name).to_pylist() if name in there else [None] * rows for name in ("video", "problem_type", *_TEXTS)},
        numbers={name: _floats(table.column(name)) if name in there else np.full(rows, np.nan) for name in _NUMBERS},
        lists={name: table.column(name).to_pylist() if name in there else [[]] * rows for name in _LISTS},
    )


def _asked(table: pa.Table, name: str) -> list[Any]:
    """A column of what was asked; a video by its name, for it may lie elsewhere on another machine."""
    values: list[Any] = table.column(name).to_pylist()
    return [value.replace("\\", "/").rpartition("/")[2] for value in values] if name == "video" else values


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    floats: NDArray[np.float64] = column.cast(pa.float64()).to_numpy().astype(np.float64)
    return floats
