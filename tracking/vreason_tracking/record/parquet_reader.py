"""One way to open a Parquet file of a run's record: its checksums are looked at, and all that can be wrong with it is one clear error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vreason.errors import TrackingError

DAMAGE = (OSError, pa.ArrowException, KeyError, ValueError, TypeError, AttributeError)
"""What reading a Parquet file raises that is damaged, or holds something else."""


@contextmanager
def record_file(path: Path, what: str, dictionaries: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """The file, open until the end of the block; whatever of `DAMAGE` is raised in the block is its fault.

    Args:
        path: of the file.
        what: it should hold: "samples" or "steps".
        dictionaries: columns to read as dictionaries.

    Raises:
        TrackingError: the file is not such a record.
    """
    try:
        with pq.ParquetFile(path, read_dictionary=list(dictionaries) or None, page_checksum_verification=True) as file:
            yield file
    except DAMAGE as error:
        hint = "restore it, or move it away: then the run is read from its journal, if that is on this machine"
        raise TrackingError(f"{path}: is not a record of {what} ({' '.join(str(error).split())}); {hint}") from error


def columns_of(file: pq.ParquetFile, required: Sequence[str], later: Sequence[str] = ()) -> list[str]:
    """Those of `required` and `later` that the file has.

    Args:
        file: an open one.
        required: columns that every version wrote.
        later: columns that records of earlier versions lack.

    Raises:
        ValueError: a required one is missing: the file is damaged.
    """
    present = set(file.schema_arrow.names)
    if missing := [name for name in required if name not in present]:
        raise ValueError(f"the column {missing[0]} is missing")
    return [*required, *(name for name in later if name in present)]
