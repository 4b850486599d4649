"""Fragments back into events. Damage is met line by line: what is intact is used, what is not is named."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking.journal.codec import (
    COLUMNS,
    FORMAT,
    Event,
    SampleEntry,
    SamplesAskedAgain,
    SessionEnded,
    SessionStarted,
    foot,
    from_record,
)
from vreason_tracking.journal.folder import RunFolder, sync_folder, write_whole
from vreason_tracking.journal.lines import from_line, is_intact, read_lines, to_line
from vreason_tracking.records import count_points
from vreason_tracking.telemetry import DeviceRecord

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corruption:
    """A place in the journal that is not what was written.

    Attributes:
        file: name of the fragment.
        line: from 1; 0 when it is the file as a whole.
        offset: of the line's first byte.
        reason: what is wrong.
    """

    file: str
    line: int
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, record {self.line} (byte {self.offset}): {self.reason}" if self.line else f"{self.file}: {self.reason}"


@dataclass
class Fragment:
    """What a fragment holds.

    Attributes:
        name: of the file.
        events: those that are intact, in order.
        damages: what is not.
        intact_bytes: length of its beginning without a damage.
        closed, whole: whether it has its foot; whether that ends its intact beginning.
        head: what its head tells, where that is intact.
    """

    name: str
    events: list[Event] = field(default_factory=list)
    damages: list[Corruption] = field(default_factory=list)
    intact_bytes: int = 0
    closed: bool = False
    whole: bool = False
    head: Mapping[str, Any] = field(default_factory=dict)


def read_fragment(path: Path) -> Fragment:
    """Every intact event of a fragment.

    Raises:
        TrackingError: the file cannot be read, or a later version wrote it.
    """
    data = _bytes(path)
    fragment, columns, records = Fragment(path.name), COLUMNS, 0
    for line in read_lines(data):
        try:
            if line.record is None:
                raise ValueError(line.fault)
            if line.number == 1:
                columns = _columns(line.record, path)
                fragment.head = line.record[1]
            elif line.record[0] == "head":
                raise ValueError("a second head")
            elif line.record[0] == "foot":
                fragment.closed, fragment.whole = True, not fragment.damages
                records -= line.record[1]["records"]
            else:
                event = from_record(line.record, columns)
                records += 1
                if event is not None:
                    fragment.events.append(event)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            fragment.damages.append(Corruption(path.name, line.number, line.offset, str(error)))
            continue
        if not fragment.damages:
            fragment.intact_bytes = data.find(b"\n", line.offset) + 1
    if fragment.closed and records and not fragment.damages:
        fragment.damages.append(Corruption(path.name, 0, 0, f"{-records} record(s) are missing" if records < 0 else f"{records} too many"))
    if not fragment.closed and path.suffix != ".open":
        fragment.damages.append(Corruption(path.name, 0, 0, "its last record is missing"))
    return fragment


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrackingError(f"{path}: cannot be read ({error}); check its permissions, or restore it from a backup") from error


def _columns(record: Sequence[Any], path: Path) -> dict[str, list[str]]:
    """The columns that a fragment's head names."""
    if record[0] != "head":
        raise ValueError("the fragment's head is missing")
    head = record[1]
    if head["format"] > FORMAT:
        raise TrackingError(f"{path}: is of format {head['format']}, this version reads up to {FORMAT}; upgrade vreason-track")
    columns: dict[str, list[str]] = head["columns"]
    return columns


def read_events(folder: RunFolder) -> Iterator[Event]:
    """Every intact event of the closed fragments, in order."""
    for _, path in folder.fragments():
        yield from read_fragment(path).events


def read_only(folder: RunFolder, *kinds: str) -> Iterator[Event]:
    """The intact events of some kinds ("sample", "device"); much faster than reading every step."""
    for _, path in folder.fragments():
        yield from _only(path, kinds)


def read_only_backwards(folder: RunFolder, *kinds: str) -> Iterator[Event]:
    """The intact events of some kinds ("sample", "device"), the last first."""
    for _, path in reversed(folder.fragments()):
        yield from reversed(list(_only(path, kinds)))


def _only(path: Path, kinds: Sequence[str]) -> Iterator[Event]:
    wanted = "|".join(("head", *kinds))
    columns = COLUMNS
    for line in re.findall(rf'^.{{8}} \["(?:{wanted})".*(?=\n)'.encode(), _bytes(path), re.MULTILINE):
        try:
            record = from_line(line)
            if record[0] == "head":
                columns = _columns(record, path)
            elif event := from_record(record, columns):
                yield event
        except (ValueError, TypeError, KeyError, IndexError):  # `verify` names it
            continue


def closed_samples(folder: RunFolder) -> list[SampleEntry]:
    """The finished samples, in the order in which they ended.

    A sample that was asked again, because a part of its first record is damaged or because it had failed, counts as it was answered last.
    """
    found: dict[str, SampleEntry] = {}
    for event in read_only(folder, "sample", "again"):
        if isinstance(event, SampleEntry):
            found[event.sample.sample_id] = event
        elif isinstance(event, SamplesAskedAgain):
            for name in event.sample_ids:
                found.pop(name, None)
    return list(found.values())


def asked_again(folder: RunFolder) -> Counter[str]:
    """How often each sample was asked again because it had failed."""
    events = (event for event in read_only(folder, "again") if isinstance(event, SamplesAskedAgain))
    return Counter(name for event in events for name in event.sample_ids)


def damaged_records(folder: RunFolder) -> int:
    """Lines of closed fragments that are not what was written, by their checksums alone: what is missing altogether, `verify` finds."""
    return sum(not is_intact(line) for _, path in folder.fragments() for line in _bytes(path).split(b"\n") if line)


def recorded_points(folder: RunFolder) -> int:
    """Metric points that the run's finished samples and devices come to."""
    devices = (event for event in read_only(folder, "device") if isinstance(event, DeviceRecord))
    return sum(closed.points for closed in closed_samples(folder)) + sum(map(count_points, devices))


def last_end(folder: RunFolder) -> SessionEnded | None:
    """How the last session ended; None when it is under way, or died abruptly."""
    if folder.fragments(opened=True):
        return None
    fragments = folder.fragments()
    events = read_fragment(fragments[-1][1]).events if fragments else []
    return events[-1] if events and isinstance(events[-1], SessionEnded) else None


def last_session(folder: RunFolder) -> int:
    """Number of the last session; 0 before the first."""
    return next(
        (event.session for event in read_only_backwards(folder, "begin", "end") if isinstance(event, (SessionStarted, SessionEnded))), 0
    )


@dataclass(frozen=True)
class Recovered:
    """What was done about a fragment that nobody closed: records kept, bytes cut."""

    file: str
    records: int
    cut: int


def recover(folder: RunFolder) -> list[Recovered]:
    """Close what a dead process left open: the intact beginning is kept, the torn tail cut. The caller holds the run's lease.

    Raises:
        TrackingError: the folder cannot be written.
    """
    done = []
    for number, path in folder.fragments(opened=True):
        closed = folder.fragment(number)
        try:
            if not closed.exists():  # else it was closed, and the process died before it took the old name away
                data = path.read_bytes()
                fragment = read_fragment(path)
                kept = data[: fragment.intact_bytes]
                records = max(0, kept.count(b"\n") - (2 if fragment.whole else 1))  # without head and foot
                if records:
                    write_whole(closed, kept if fragment.whole else kept + to_line(foot(records)))
                done.append(Recovered(path.name, records, len(data) - len(kept)))
                _log.info("%s recovered: %d record(s) kept, %d torn byte(s) cut", path, records, len(data) - len(kept))
            os.unlink(path)
            sync_folder(folder.path)
        except OSError as error:
            raise TrackingError(f"{path}: cannot be closed ({error}); make room, or fix the folder") from error
    return done
