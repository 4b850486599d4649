"""The samples of one run as columns, read from Parquet; texts that no figure needs stay in the file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vreason_tracking.record.parquet_reader import columns_of, record_file

_QUESTION = ("video", "question", "options", "problem_type", "answer")  # what makes a question the same one, beside its id
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
_GREATEST = 1e18  # of any number: an exabyte; what is beyond is damage
_LATER = ("benchmark", "peak_allocated_bytes")  # columns that records of earlier versions lack; without any other the file is damaged
_REQUIRED = tuple(name for name in ("sample_id", *_QUESTION, *_TEXTS, *_NUMBERS, *_LISTS) if name not in _LATER)


@dataclass(frozen=True)
class SampleTable:
    """Finished samples of a run, by id in alphabetical order, shape (n,) each.

    Attributes:
        ids: sample ids.
        question_digests: a digest of what was asked, a sample; two samples are the same question where id and digest are.
        texts: columns of text, None for what is missing.
        numbers: columns of numbers, NaN for what is missing.
        lists: columns of lists.
    """

    ids: list[str]
    question_digests: list[bytes]
    texts: dict[str, list[Any]]
    numbers: dict[str, NDArray[np.float64]]
    lists: dict[str, list[Any]]


def read_samples(path: Path) -> SampleTable:
    """Read a run's samples.

    Raises:
        TrackingError: the file is not such a table.
    """
    with record_file(path, "samples") as file:
        return _of(file.read(columns=columns_of(file, _REQUIRED, _LATER)).sort_by("sample_id"))


def _of(table: pa.Table) -> SampleTable:
    present = set(table.column_names)
    rows = table.num_rows
    question_digests = zip(*(_digest_column(table, name) for name in _QUESTION), strict=True)
    ids = table.column("sample_id").to_pylist()
    if twice := next((one for one, other in pairwise(ids) if one == other), None):
        raise ValueError(f"sample_id: {twice!r} is there twice")
    return SampleTable(
        ids=ids,
        question_digests=[hashlib.blake2b(repr(each).encode(), digest_size=16).digest() for each in question_digests],
        texts={name: table.column(name).to_pylist() if name in present else [None] * rows for name in ("video", "problem_type", *_TEXTS)},
        numbers={name: _floats(name, table.column(name)) for name in _NUMBERS},
        lists={name: table.column(name).to_pylist() if name in present else [[]] * rows for name in _LISTS},
    )


def _digest_column(table: pa.Table, name: str) -> list[Any]:
    """A column of what was asked; a video by its name, for it may lie elsewhere on another machine."""
    values: list[Any] = table.column(name).to_pylist()
    return [value.replace("\\", "/").rpartition("/")[2] for value in values] if name == "video" else values


def _floats(name: str, column: pa.ChunkedArray) -> NDArray[np.float64]:
    floats: NDArray[np.float64] = column.cast(pa.float64()).to_numpy().astype(np.float64)
    least, most = (0.0, 1.0) if name == "score" else (-_GREATEST, _GREATEST)
    if wrong := [value for value in floats.tolist() if value < least or value > most]:
        raise ValueError(f"{name}: {wrong[0]} is none")
    return floats
