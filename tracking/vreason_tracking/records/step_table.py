"""The paper's Figure 1 for many runs at once: entropy by token over a run's samples, read column by column; and single samples' steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vreason.events import StepRecord
from vreason_tracking.records.entropy_curve import EntropyCurve
from vreason_tracking.records.parquet_reader import RecordFile, record_file

_WORKERS = 2
_CURVE = ("sample_id", "token_index", "entropy", "ema")
STEP_COLUMNS = ("token_index", "entropy", "ema", "peak", "alpha", "updated", "delta_v_norm")
_LONGEST = 1 << 20  # a token index beyond is damage


@dataclass
class RunSteps:
    """What a comparison needs of a run's steps.

    Attributes:
        curve: entropy by token, over the samples asked for.
        samples: the steps of single samples, columns of `STEP_COLUMNS` in the order of the tokens.
    """

    curve: EntropyCurve = field(default_factory=EntropyCurve)
    samples: dict[str, dict[str, list[Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Requested:
    """Ids, in the forms in which every row group is asked for them: of the curve's samples, and of those whose steps are kept."""

    members: frozenset[str]
    values: pa.StringArray
    wanted: frozenset[str]


def read_steps(files: Sequence[Path], members: Collection[str], wanted: Collection[str]) -> list[RunSteps]:
    """Read the steps of several runs, a row group at a time.

    Args:
        files: of each run.
        members: ids of the samples that the curve is over.
        wanted: ids of the samples whose steps are kept.

    Raises:
        TrackingError: a file is not such a table.
    """
    names = frozenset(members)
    requested = _Requested(names, pa.array(sorted(names), pa.string()), frozenset(wanted))
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(lambda file: _read(file, requested), files))


def _read(path: Path, requested: _Requested) -> RunSteps:
    found = RunSteps()
    with record_file(path, StepRecord, "steps", dictionaries=["sample_id"]) as file:
        for number in range(file.row_groups):
            group = file.read_group(number, _CURVE)
            names = {name for chunk in group.column("sample_id").chunks for name in chunk.dictionary.to_pylist()}
            if not names <= requested.members:
                group = group.filter(pc.is_in(group.column("sample_id").cast(pa.string()), requested.values))
            _add(found.curve, group)
            if names & requested.wanted:
                for name, columns in _samples(file, number, requested.wanted):
                    found.samples.setdefault(name, {column: [] for column in STEP_COLUMNS})
                    for column, values in columns.items():
                        found.samples[name][column] += values
    return found


def _add(curve: EntropyCurve, group: pa.Table) -> None:
    index, entropy, ema = (group.column(name).to_numpy() for name in _CURVE[1:])
    if len(index) and (index.min() < 0 or index.max() > _LONGEST):
        raise ValueError(f"token index {int(index.min() if index.min() < 0 else index.max())}")
    curve.add_columns(index, entropy, ema)


def _samples(file: RecordFile, number: int, wanted: frozenset[str]) -> Iterator[tuple[str, dict[str, list[Any]]]]:
    group = file.read_group(number, ["sample_id", *STEP_COLUMNS])
    names = group.column("sample_id").cast(pa.string())
    for name in sorted(wanted & set(pc.unique(names).to_pylist())):
        rows = group.filter(pc.equal(names, name))
        yield name, {column: rows.column(column).to_pylist() for column in STEP_COLUMNS}
