"""vreason_tracking.journal.reader: fragments back into events, whoever wrote them and whatever became of them since."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import journals, records
from vreason.errors import TrackingError
from vreason_tracking.journal.codec import COLUMNS, Event, SampleEntry, SessionEnded, SessionStarted, foot, to_record
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.reader import (
    Corruption,
    closed_samples,
    last_end,
    last_session,
    read_events,
    read_fragment,
    read_only,
    recorded_points,
)
from vreason_tracking.records.metrics import count_points
from vreason_tracking.telemetry import DeviceRecord

REPLY = records.steps("s-1", 4)
SAMPLE = SampleEntry(records.sample("s-1", REPLY), 44)
EVENTS: list[Event] = [journals.begin(), *REPLY, journals.device(), SAMPLE, journals.end()]
LOOKS = [journals.events, closed_samples, recorded_points, last_end, last_session]
"""Every way to read a run's closed fragments."""


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return journals.new(tmp_path)


def put(folder: RunFolder, *lines: list[Any] | bytes, number: int = 1) -> Path:
    """A closed fragment of these records or lines, as they are."""
    path = folder.fragment(number)
    path.write_bytes(b"".join(line if isinstance(line, bytes) else to_line(line) for line in lines))
    return path


def head(**changes: Any) -> list[Any]:
    """A fragment's head with other fields."""
    return ["head", {"format": 1, "run": journals.RUN_ID, "fragment": 1, "columns": COLUMNS, **changes}]


def add(folder: RunFolder, *events: Event) -> None:
    """The next fragment."""
    number = len(folder.fragments()) + 1
    folder.fragment(number).write_bytes(journals.fragment_bytes(events, number))


def test_a_whole_fragment(folder: RunFolder) -> None:
    """All of its events in order, no damage, intact to its last byte, and closed."""
    add(folder, *EVENTS)
    fragment = read_fragment(folder.fragment(1))
    assert (EVENTS, [], True) == (fragment.events, fragment.damages, fragment.closed)
    assert folder.fragment(1).stat().st_size == fragment.intact_bytes


def test_fragments_one_after_the_other(folder: RunFolder) -> None:
    """Events of all closed fragments in the order of their numbers; an open one belongs to its writer."""
    for number in (10, 2, 1):
        folder.fragment(number).write_bytes(journals.fragment_bytes([journals.begin(number)], number))
    folder.fragment(11, opened=True).write_bytes(journals.fragment_bytes([journals.begin(11)], 11))
    assert [1, 2, 10] == [event.session for event in read_events(folder) if isinstance(event, SessionStarted)]


def test_columns_of_another_version(folder: RunFolder) -> None:
    """Each fragment is read by its own columns: in another order, with more of them, and beside fragments of this version."""
    add(folder, *EVENTS)
    columns = {kind: ["later", *names[::-1]] for kind, names in COLUMNS.items()}
    rows = [[kind, None, *row[::-1]] for kind, *row in map(to_record, [*REPLY, journals.device()])]
    put(folder, head(columns=columns), *rows, ["later kind", 1], foot(6), number=2)
    assert ([*REPLY, journals.device()], []) == (read_fragment(folder.fragment(2)).events, read_fragment(folder.fragment(2)).damages)
    assert [journals.device()] * 2 == list(read_only(folder, "device"))


@pytest.mark.parametrize("look", LOOKS)
def test_a_later_format(folder: RunFolder, look: Any) -> None:
    """Nobody guesses at it: whoever reads is told which file it is and what to do."""
    put(folder, head(format=2), *map(to_record, EVENTS), foot(len(EVENTS)))
    with pytest.raises(TrackingError, match=r"00000001\.journal: is of format 2, this version reads up to 1; upgrade vreason-track$"):
        look(folder)


@pytest.mark.parametrize("look", LOOKS)
def test_a_fragment_that_cannot_be_read(folder: RunFolder, look: Any) -> None:
    """The message names it and says what to do. (A folder of its name is the one thing that not even root can read.)"""
    folder.fragment(1).mkdir()
    with pytest.raises(TrackingError, match=r"00000001\.journal: cannot be read \(.+\); check its permissions, or restore it"):
        look(folder)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((head(), to_record(REPLY[0])), "its last record is missing"),
        ((head(), to_record(REPLY[0]), foot(2)), "1 record(s) are missing"),
        ((head(), to_record(REPLY[0]), to_record(REPLY[0]), foot(1)), "1 too many"),
        ((), "its last record is missing"),
    ],
)
def test_records_that_are_not_there(folder: RunFolder, lines: tuple[Any, ...], reason: str) -> None:
    """A fragment that lost, or won, whole lines is noticed by its foot."""
    fragment = read_fragment(put(folder, *lines))
    assert [Corruption("00000001.journal", 0, 0, reason)] == fragment.damages
    assert f"00000001.journal: {reason}" == str(fragment.damages[0])


def test_a_damaged_line(folder: RunFolder) -> None:
    """It is named with file, number, byte and reason; everything around it is read, and the intact beginning ends before it."""
    lines = [to_line(head()), *(to_line(to_record(step)) for step in REPLY), to_line(foot(4))]
    lines[2] = lines[2].replace(b'"s-1"', b'"s-2"')
    offset = len(lines[0] + lines[1])
    fragment = read_fragment(put(folder, *lines))
    (damage,) = fragment.damages
    assert ("00000001.journal", 3, offset, offset) == (damage.file, damage.line, damage.offset, fragment.intact_bytes)
    assert str(damage).startswith(f"00000001.journal, record 3 (byte {offset}): checksum ")
    assert [REPLY[0], *REPLY[2:]] == fragment.events


def test_a_missing_head(folder: RunFolder) -> None:
    """It is named; the records behind the first line are read by this version's columns."""
    fragment = read_fragment(put(folder, *map(to_record, REPLY), foot(4)))
    assert [Corruption("00000001.journal", 1, 0, "the fragment's head is missing")] == fragment.damages
    assert REPLY[1:] == fragment.events


@pytest.mark.parametrize("line", [["head"], ["head", 3], ["head", {"format": "x"}], ["foot"], ["foot", {}], ["step"], ["end", {}]])
def test_a_line_of_another_shape(folder: RunFolder, line: list[Any]) -> None:
    """Its checksum is right, its record is none of ours: it is damage like any other, not a traceback."""
    fragment = read_fragment(put(folder, head(), to_record(REPLY[0]), line, foot(1)))
    assert (1, [REPLY[0]]) == (sum(damage.line == 3 for damage in fragment.damages), fragment.events)


def test_finished_samples(folder: RunFolder) -> None:
    """One that was asked again counts as it was answered last, once."""
    again = SampleEntry(replace(SAMPLE.sample, score=0.0), 44)
    other = SampleEntry(records.failed("s-2"), 1)
    add(folder, *EVENTS)
    add(folder, journals.begin(2), other, again)
    assert {"s-1": again, "s-2": other} == {closed.sample.sample_id: closed for closed in closed_samples(folder)}
    assert 44 + 1 + count_points(journals.device()) == recorded_points(folder)


def test_only_what_is_whole_is_read_quickly(folder: RunFolder) -> None:
    """The quick way to some kinds finds what the whole way finds, also where a line is damaged or its newline is missing."""
    add(folder, *EVENTS)
    whole = folder.fragment(1).read_bytes()
    for cut in range(0, len(whole), 3):
        folder.fragment(1).write_bytes(whole[:cut])
        expected = [event for event in read_fragment(folder.fragment(1)).events if isinstance(event, (SampleEntry, DeviceRecord))]
        assert expected == list(read_only(folder, "sample", "device")), cut


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        ([], None),
        ([[journals.begin(), journals.end()]], journals.end()),
        ([[journals.begin()]], None),
        ([[journals.begin(), journals.end(1, "KILLED")], [journals.begin(2)]], None),
        ([[journals.begin(), journals.end(1, "KILLED")], [journals.begin(2)], [journals.end(2, "FAILED")]], journals.end(2, "FAILED")),
    ],
)
def test_how_the_last_session_ended(folder: RunFolder, fragments: list[list[Event]], expected: SessionEnded | None) -> None:
    """None before the first, and while one is under way; an open fragment says that one is."""
    for events in fragments:
        add(folder, *events)
    assert expected == last_end(folder)
    folder.fragment(len(fragments) + 1, opened=True).write_bytes(b"")
    assert last_end(folder) is None


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        ([], 0),
        ([[journals.begin(1), *REPLY], [SAMPLE]], 1),
        ([[journals.begin(1)], [journals.end(1)], [journals.begin(2)], REPLY], 2),
        ([[journals.end(1, "KILLED")]], 1),
    ],
)
def test_the_last_session(folder: RunFolder, fragments: list[list[Event]], expected: int) -> None:
    """By its beginning, however long ago that was, or by its end."""
    for events in fragments:
        add(folder, *events)
    assert expected == last_session(folder)
