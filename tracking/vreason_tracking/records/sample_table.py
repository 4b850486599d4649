"""The samples of one run as columns, read from Parquet; texts that no figure needs stay in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vreason.events import SampleRecord
from vreason_tracking.records.arrow_types import arrow_schema
from vreason_tracking.records.parquet_reader import record_file
from vreason_tracking.records.parquet_writer import storable_row
from vreason_tracking.records.schema import columns_of

_QUESTION = ("video", "question", "options", "problem_type", "answer")  # what makes a question the same one, beside its id
_DIGESTED = ("question", "options", "answer")  # of these only a digest is kept
_LEFT_IN_FILE = ("output", "stopped", "token_ends")  # no figure needs them
_GREATEST = 1e18  # of any number: an exabyte; what is beyond is damage
_COMPARED = tuple(column for column in columns_of(SampleRecord) if column.name not in ("sample_id", *_DIGESTED, *_LEFT_IN_FILE))
_READ = ("sample_id", *_DIGESTED, *(column.name for column in _COMPARED))


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
    with record_file(path, SampleRecord, "samples") as file:
        return _of(file.read(_READ).sort_by("sample_id"))


def samples_table(samples: Sequence[SampleRecord]) -> SampleTable:
    """The samples of a run as columns, out of records that are at hand.

    Raises:
        ValueError: a value is none that a record can have.
    """
    rows = [storable_row(sample) for sample in samples]
    return _of(pa.Table.from_pylist(rows, schema=arrow_schema(SampleRecord)).select(list(_READ)).sort_by("sample_id"))


def _of(table: pa.Table) -> SampleTable:
    question_digests = zip(*(_digest_column(table, name) for name in _QUESTION), strict=True)
    ids = table.column("sample_id").to_pylist()
    if twice := next((one for one, other in pairwise(ids) if one == other), None):
        raise ValueError(f"sample_id: {twice!r} is there twice")
    return SampleTable(
        ids=ids,
        question_digests=[hashlib.blake2b(repr(each).encode(), digest_size=16).digest() for each in question_digests],
        texts={name: table.column(name).to_pylist() for name in _named(many=False, text=True)},
        numbers={name: _floats(name, table.column(name)) for name in _named(many=False, text=False)},
        lists={name: table.column(name).to_pylist() for name in _named(many=True)},
    )


def _named(*, many: bool, text: bool | None = None) -> list[str]:
    """Names of the compared columns that are lists, texts or numbers."""
    return [column.name for column in _COMPARED if column.many == many and (text is None or (column.kind is str) == text)]


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
