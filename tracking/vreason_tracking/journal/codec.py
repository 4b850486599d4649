"""Events into records and back. A record is a list: its kind, then its values.

    ["head", {...}]           opens a fragment: format, run, number, and the columns of "step" and "device" in it
    ["begin", {...}]          a process begins, or goes on with, the run: a session
    ["step", v, v, ...]       a StepRecord's values in the order of the head's columns
    ["device", v, v, ...]     a DeviceRecord's
    ["sample", {...}, n]      a finished SampleRecord, and the number of metric points that it and its steps come to
    ["again", {...}]          samples that failed and are asked again in this session: what was closed of them before does not count
    ["end", {...}]            the run has ended: status and error
    ["foot", {...}]           closes a fragment: how many records it holds

Columns travel with every fragment, so that a journal of an older version is still read when events have gained fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from vreason.events import SampleRecord, StepRecord
from vreason_tracking.records import column_names, make_record
from vreason_tracking.telemetry import DeviceRecord

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A session: one process's work on a run.

    Attributes:
        session: from 1.
        pid, host, user: the process.
        started_ms: Unix time, milliseconds.
        manifest: SHA-256 of the manifest that it found; "" in journals of versions that did not tell.
    """

    session: int
    pid: int
    host: str
    user: str
    started_ms: int
    manifest: str = ""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session's end.

    Attributes:
        session: the session that ended.
        status: FINISHED, FAILED or KILLED.
        error: what ended it early.
        ended_ms: Unix time, milliseconds.
        notes: what a reader of the result must know, such as listeners that failed.
    """

    session: int
    status: str
    error: str | None
    ended_ms: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SamplesAskedAgain:
    """Samples that were closed as failed, and are asked again: their earlier records count no more.

    Attributes:
        sample_ids: each once.
    """

    sample_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """A finished sample as it stands in the journal, with the number of points that it and its steps come to."""

    sample: SampleRecord
    points: int


Event = SessionStarted | SamplesAskedAgain | StepRecord | DeviceRecord | SampleEntry | SessionEnded

_ROWS: dict[str, type[Any]] = {"step": StepRecord, "device": DeviceRecord}
COLUMNS = {kind: list(column_names(made)) for kind, made in _ROWS.items()}
_VALUES: dict[type[Any], tuple[str, Callable[[Any], tuple[Any, ...]]]] = {
    made: (kind, attrgetter(*COLUMNS[kind])) for kind, made in _ROWS.items()
}
_OBJECTS: dict[str, type[Any]] = {"begin": SessionStarted, "again": SamplesAskedAgain, "end": SessionEnded}
_OBJECT_KINDS = {made: kind for kind, made in _OBJECTS.items()}


def head(run_id: str, fragment: int) -> list[Any]:
    """The record that opens a fragment."""
    return ["head", {"format": FORMAT, "run": run_id, "fragment": fragment, "columns": COLUMNS}]


def foot(records: int) -> list[Any]:
    """The record that closes one."""
    return ["foot", {"records": records}]


def to_record(event: Event) -> list[Any]:
    """The event as a record.

    Raises:
        TypeError: it is of a kind that could not be read back.
    """
    row = _VALUES.get(type(event))
    if row is not None:
        return [row[0], *row[1](event)]
    if isinstance(event, SampleEntry):
        return ["sample", asdict(event.sample), event.points]
    if isinstance(event, (SessionStarted, SamplesAskedAgain, SessionEnded)):
        return [_OBJECT_KINDS[type(event)], asdict(event)]
    raise TypeError(f"{type(event).__name__}: the journal has no record for it")


def from_record(record: Sequence[Any], columns: Mapping[str, Sequence[str]] = COLUMNS) -> Event | None:
    """The event of a record; None for heads, feet and kinds that a later version may write.

    Raises:
        TypeError, ValueError, KeyError: the record is not one of this format.
    """
    kind = record[0]
    if kind in _ROWS:
        made, given = _ROWS[kind], columns[kind]
        if given == COLUMNS[kind] and len(record) == len(given) + 1:
            return made(*record[1:])  # type: ignore[no-any-return]
        return make_record(made, dict(zip(given, record[1:], strict=True)))  # type: ignore[no-any-return]
    if kind == "sample":
        return SampleEntry(make_record(SampleRecord, record[1]), int(record[2]))
    if kind in _OBJECTS:
        return make_record(_OBJECTS[kind], record[1])  # type: ignore[no-any-return]
    return None
