"""vreason_tracking.journal.reader.recover: what a dead process left open, torn at any byte, by a process that may die as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import journals, records
from tests.helpers.deaths import dies
from vreason.errors import TrackingError
from vreason_tracking.journal.codec import Event, SampleEntry, head
from vreason_tracking.journal.folder import MANIFEST, RunFolder
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.reader import Recovered, read_fragment, recover
from vreason_tracking.journal.verification import verify

SAMPLE = SampleEntry(records.failed("größer", output_tokens=2), 20)
EVENTS: list[Event] = [journals.begin(), *records.steps("größer", 2), SAMPLE, journals.device()]
WHOLE = journals.fragment_bytes(EVENTS)
LINES = WHOLE.splitlines(keepends=True)
TORN = WHOLE[:-20]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return journals.new(tmp_path)


def leave(folder: RunFolder, data: bytes, number: int = 1) -> Path:
    """An open fragment that nobody writes any more."""
    path = folder.fragment(number, opened=True)
    path.write_bytes(data)
    return path


def files(folder: RunFolder) -> dict[str, bytes]:
    """What lies there beside manifest and lease."""
    return {path.name: path.read_bytes() for path in folder.path.iterdir() if path.name not in (MANIFEST, folder.lease.name)}


def kept_of(cut: int) -> int:
    """Number of events whose lines end at or before this byte."""
    ends = [sum(map(len, LINES[: number + 1])) for number in range(len(LINES))]
    return min(sum(end <= cut for end in ends[1:]), len(EVENTS))


@pytest.mark.parametrize("part", range(8))
def test_a_tail_torn_at_every_byte(folder: RunFolder, part: int) -> None:
    """Exactly the records that were whole are kept, closed as if they had been all; a second time changes nothing."""
    for cut in range(part, len(WHOLE) + 1, 8):
        opened, kept = leave(folder, WHOLE[:cut]), kept_of(cut)
        (recovered,) = recover(folder)
        after = files(folder)
        bare = len(b"".join(LINES[: kept + 1])) if cut >= len(LINES[0]) else 0
        torn = 0 if cut == len(WHOLE) else cut - bare
        assert Recovered(opened.name, kept, torn) == recovered, cut
        assert EVENTS[:kept] == journals.events(folder), cut
        assert ({"00000001.journal": journals.fragment_bytes(EVENTS[:kept])} if kept else {}) == after, cut
        assert ((), 0) == (verify(folder).damages, verify(folder).torn_bytes), cut
        assert ([], after) == (recover(folder), files(folder)), cut
        folder.fragment(1).unlink(missing_ok=True)


@pytest.mark.parametrize("place", range(len(LINES)))
def test_a_hole(folder: RunFolder, place: int) -> None:
    """The record there is cut, and all that follow; what is left passes every check.

    A power cut may leave zeros where bytes were still in memory, and behind them what was written later.
    """
    holed = b"".join([*LINES[:place], b"\0" * (len(LINES[place]) - 1) + b"\n", *LINES[place + 1 :]])
    leave(folder, holed)
    recover(folder)
    assert EVENTS[: max(0, place - 1)] == journals.events(folder)
    assert () == verify(folder).damages


@pytest.mark.parametrize("whole", [3, len(LINES)])
@pytest.mark.parametrize("tail", [b"", b"\0" * 4096, b"rubbish", b"rubbish\n", LINES[0], b"\n\n"])
def test_a_tail_of_other_bytes(folder: RunFolder, whole: int, tail: bytes) -> None:
    """Whatever stands behind the last whole record, or behind the foot, is cut."""
    leave(folder, b"".join(LINES[:whole]) + tail)
    recover(folder)
    assert (EVENTS[: whole - 1], ()) == (journals.events(folder), verify(folder).damages)


@pytest.fixture
def expected(folder: RunFolder) -> dict[str, bytes]:
    """What is to lie there when all is done; before, only the torn fragment does."""
    leave(folder, TORN)
    recover(folder)
    done = files(folder)
    folder.fragment(1).unlink()
    leave(folder, TORN)
    return done


@pytest.mark.parametrize("after", [False, True])
def test_a_recovery_that_dies(folder: RunFolder, expected: dict[str, bytes], after: bool) -> None:
    """Killed at any of its calls to the kernel, it leaves all that is to be kept, and whoever comes next comes to the same result."""
    call = 1
    while dies(lambda: recover(folder), call, after):
        opened = [read_fragment(path).events for _, path in folder.fragments(opened=True)]
        assert EVENTS in [journals.events(folder), *opened], call
        recover(folder)
        assert expected == files(folder), call
        folder.fragment(1).unlink()
        leave(folder, TORN)
        call += 1
    assert (call > 7, expected) == (True, files(folder))


def test_recoveries_that_die_one_after_the_other(folder: RunFolder, expected: dict[str, bytes]) -> None:
    """What one left half done is in no other's way."""
    died = [dies(lambda: recover(folder), call, after) for call in range(1, 8) for after in (False, True)]
    assert (True, expected) == (sum(died) >= 4, files(folder))


def test_what_stood_there_half_written(folder: RunFolder, expected: dict[str, bytes]) -> None:
    """A file that an earlier recovery was writing when it died is written again, from the open fragment."""
    (folder.path / "00000001.journal.new").write_bytes(WHOLE[:100] + b"rubbish" * 1000)
    recover(folder)
    assert expected == files(folder)


def test_closed_and_open_at_once(folder: RunFolder, expected: dict[str, bytes]) -> None:
    """The closed one counts: its process died before it took the old name away. The open one goes, whatever is in it."""
    folder.fragment(1).write_bytes(WHOLE)
    leave(folder, WHOLE[:-300])
    assert [] == recover(folder)
    assert {"00000001.journal": WHOLE} == files(folder)


def test_several(folder: RunFolder) -> None:
    """Each open fragment is closed under its own number; closed ones are not touched."""
    folder.fragment(1).write_bytes(WHOLE)
    for number in (2, 3):
        leave(folder, journals.fragment_bytes(EVENTS[1:3], number, closed=False), number)
    assert [Recovered(f"0000000{number}.journal.open", 2, 0) for number in (2, 3)] == recover(folder)
    assert (WHOLE, [*EVENTS, *EVENTS[1:3], *EVENTS[1:3]]) == (files(folder)["00000001.journal"], journals.events(folder))


def test_a_later_format(folder: RunFolder) -> None:
    """What this version cannot read it does not cut: the file stays as it is, and the message says what to do."""
    later = to_line(["head", {**head(journals.RUN_ID, 1)[1], "format": 2}]) + LINES[1]
    leave(folder, later)
    with pytest.raises(TrackingError, match=r"00000001\.journal\.open: is of format 2, this version reads up to 1; upgrade vreason-track"):
        recover(folder)
    assert later == files(folder)["00000001.journal.open"]


def test_a_full_disk(folder: RunFolder, expected: dict[str, bytes]) -> None:
    """It is told by name with what to do, nothing is lost, and it is done when there is room. /dev/full takes no byte."""
    half = folder.path / "00000001.journal.new"
    half.symlink_to("/dev/full")
    with pytest.raises(TrackingError, match=r"00000001\.journal\.open: cannot be closed \(.*No space left.*\); make room"):
        recover(folder)
    assert TORN == files(folder)["00000001.journal.open"]
    recover(folder)
    assert expected == files(folder)
