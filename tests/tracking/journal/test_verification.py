"""vreason_tracking.journal.verification: every change of a closed fragment is found and named, and costs no other record."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import journals, records
from tests.helpers.disk import mounted
from tests.helpers.lease_holder import holding
from vreason_tracking.journal.codec import Event, SampleEntry, head
from vreason_tracking.journal.folder import MANIFEST, RunFolder
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.reader import read_fragment
from vreason_tracking.journal.seal import seal
from vreason_tracking.journal.verification import Verification, verify

REPLY = records.steps("s-1", 3)
SAMPLE = SampleEntry(records.sample("s-1", REPLY, question="?", output=""), 33)
EVENTS: list[Event] = [journals.begin(), *REPLY, SAMPLE]
WHOLE = journals.fragment_bytes(EVENTS)
LINES = WHOLE.splitlines(keepends=True)
STARTS = [sum(map(len, LINES[:number])) for number in range(len(LINES) + 1)]
NAMES = {2: "token 0 of sample 's-1'", 3: "token 1 of sample 's-1'", 4: "token 2 of sample 's-1'", 5: "the record of sample 's-1'"}
MISSING_STEPS = "samples: 's-1' is closed, but steps of it are missing"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of one closed fragment."""
    made = journals.new(tmp_path)
    made.fragment(1).write_bytes(WHOLE)
    return made


def touched(place: int) -> set[int]:
    """Lines that a change of this byte makes unreadable: its own and, where it is the newline between two, the next."""
    line = max(number for number, start in enumerate(STARTS[:-1]) if start <= place)
    return {line} if place + 1 < STARTS[line + 1] else {line, min(line + 1, len(LINES) - 1)}


def check(folder: RunFolder, changed: bytes, lines: set[int]) -> None:
    """A fragment that was changed in these lines only is found out, with the right place, and everything else in it is read."""
    folder.fragment(1).write_bytes(changed)
    damages = verify(folder).damages
    named = {damage.line - 1 for damage in damages if damage.line}
    assert lines & named, (lines, damages)
    assert all(damage.file == "00000001.journal" for damage in damages if damage.line)
    read = read_fragment(folder.fragment(1)).events
    kept = [event for number, event in enumerate(EVENTS, 1) if number not in lines]
    assert kept == [event for event in read if event in kept], (lines, damages)
    assert read in (kept, EVENTS), lines  # a newline that became two leaves every record as it was


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit(folder: RunFolder, bit: int) -> None:
    """One bit, anywhere in the fragment: the record is named, the others are read."""
    for place, byte in enumerate(WHOLE):
        check(folder, WHOLE[:place] + bytes([byte ^ 1 << bit]) + WHOLE[place + 1 :], touched(place))


def test_every_removed_byte(folder: RunFolder) -> None:
    """The same of a byte that is gone."""
    for place in range(len(WHOLE)):
        check(folder, WHOLE[:place] + WHOLE[place + 1 :], touched(place))


@pytest.mark.parametrize("byte", [b"\0", b" ", b"0", b"a", b'"', b",", b"]", b"\r", b"\xff"])
def test_every_inserted_byte(folder: RunFolder, byte: bytes) -> None:
    """The same of a byte that was not there; at a line's beginning it is that line's, behind the last it is one of its own."""
    for place in range(len(WHOLE) + 1):
        check(folder, WHOLE[:place] + byte + WHOLE[place:], {sum(start <= place for start in STARTS[1:])})


def test_every_inserted_newline(folder: RunFolder) -> None:
    """The same of a record that is cut in two, or parted from the next by an empty line, which then is what is named."""
    for place in range(len(WHOLE) + 1):
        folder.fragment(1).write_bytes(WHOLE[:place] + b"\n" + WHOLE[place:])
        line = 1 + sum(start <= place for start in STARTS[1:])
        parted = place + 1 in STARTS
        assert line + parted in {damage.line for damage in verify(folder).damages}, place


@pytest.mark.parametrize("line", NAMES)
def test_the_name_of_what_is_damaged(folder: RunFolder, line: int) -> None:
    """Fragment, record and byte; token and sample where the line still lets one tell."""
    place = STARTS[line + 1] - 4
    folder.fragment(1).write_bytes(WHOLE[:place] + b"x" + WHOLE[place + 1 :])
    first, *others = map(str, verify(folder).damages)
    assert first.startswith(f"00000001.journal, record {line + 1} (byte {STARTS[line]}): {NAMES[line]}: checksum ")
    assert others == ([] if line == 5 else [MISSING_STEPS])


def test_names_that_cannot_be_read(folder: RunFolder) -> None:
    """A line whose name is damaged is named by its place alone, or by what stands there; never is there a traceback."""
    place = WHOLE.index(b'"s-1"')
    for changed in (b"\xff", b"\\", b'"', b"\0"):
        folder.fragment(1).write_bytes(WHOLE[: place + 1] + changed + WHOLE[place + 2 :])
        assert str(verify(folder).damages[0]).startswith(f"00000001.journal, record 3 (byte {STARTS[2]}): ")


@pytest.mark.parametrize("line", range(len(LINES)))
def test_a_lost_line(folder: RunFolder, line: int) -> None:
    """The foot counts what was there; a lost head and a lost foot are missed themselves."""
    folder.fragment(1).write_bytes(b"".join(LINES[:line] + LINES[line + 1 :]))
    assert not verify(folder).intact


@pytest.mark.parametrize("line", range(len(LINES)))
def test_a_doubled_line(folder: RunFolder, line: int) -> None:
    """The same of a line that is there twice."""
    folder.fragment(1).write_bytes(b"".join([*LINES[: line + 1], *LINES[line:]]))
    assert not verify(folder).intact


def test_an_intact_run(folder: RunFolder) -> None:
    """Fragments, records and samples are counted; nothing is damaged; looking has changed nothing."""
    folder.fragment(2).write_bytes(journals.fragment_bytes([journals.end()], 2))
    before = sorted(os.listdir(folder.path))
    assert Verification(journals.RUN_ID, 2, 6, 1, (), 0, 0, live=False) == verify(folder)
    assert (True, before) == (verify(folder).intact, sorted(os.listdir(folder.path)))


def test_a_torn_tail_is_no_damage(folder: RunFolder) -> None:
    """It was never closed. What is kept of it, and what will be cut, is told."""
    opened = journals.fragment_bytes(EVENTS[:3], 2, closed=False)
    folder.fragment(2, opened=True).write_bytes(opened + b"12345")
    assert Verification(journals.RUN_ID, 1, 5, 1, (), 3, 5, live=False) == verify(folder)


def test_a_run_under_way(folder: RunFolder) -> None:
    """It is told that a process is writing it."""
    with holding(folder.lease):
        assert verify(folder).live
    assert not verify(folder).live


@pytest.mark.parametrize(("there", "missing"), [([2], [1]), ([1, 4], [2, 3]), ([1, 2], [])])
@pytest.mark.parametrize("opened", [False, True])
def test_missing_fragments(tmp_path: Path, there: list[int], missing: list[int], opened: bool) -> None:
    """Numbers have no gap: a fragment that was taken away is missed, also by the open one behind it."""
    folder = journals.new(tmp_path)
    for number in there:
        last = opened and number == there[-1]
        folder.fragment(number, opened=last).write_bytes(journals.fragment_bytes([journals.begin(number)], number))
    assert [f"{number:08d}.journal: the fragment is missing" for number in missing] == [str(damage) for damage in verify(folder).damages]


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_missing_at_the_end(folder: RunFolder, gone: int) -> None:
    """What was there when a session ended is missed also where nothing stands behind it."""
    for number in (2, 3):
        folder.fragment(number).write_bytes(journals.fragment_bytes([journals.end()], number))
    seal(folder, 1)
    assert verify(folder).intact
    for number in range(4 - gone, 4):
        folder.fragment(number).unlink()
    expected = [f"{number:08d}.journal: the fragment is missing" for number in range(4 - gone, 4)]
    assert expected == [str(damage) for damage in verify(folder).damages]


@pytest.mark.parametrize("content", [b"", b"rubbish", b"00000000 []\n", to_line(["sealed", {}]), to_line(["other", {"fragments": 1}])])
def test_a_damaged_seal(folder: RunFolder, content: bytes) -> None:
    """It is named; the fragments are checked all the same."""
    folder.sealed.write_bytes(content)
    found = verify(folder)
    assert (["sealed"], 5) == ([damage.file for damage in found.damages], found.records)


def test_a_manifest_of_elsewhere(folder: RunFolder) -> None:
    """A manifest that is intact, and not the one that the run was begun with, is found."""
    begin = replace(journals.begin(), manifest=folder.manifest_digest)
    folder.fragment(1).write_bytes(journals.fragment_bytes([begin, *EVENTS[1:]]))
    assert verify(folder).intact
    (folder.path / MANIFEST).write_text(journals.manifest(experiment="another").to_json(), encoding="utf-8")
    assert ["run.json: is not the one that session 1 found: it was replaced or changed since"] == [
        str(damage) for damage in verify(RunFolder(folder.path)).damages
    ]


def test_a_missing_manifest(folder: RunFolder) -> None:
    """It is named; the fragments are checked all the same."""
    (folder.path / MANIFEST).unlink()
    found = verify(RunFolder(folder.path))
    assert (["run.json"], 5) == ([damage.file for damage in found.damages], found.records)


@pytest.mark.parametrize("other", [head("another-run", 1), head(journals.RUN_ID, 2)])
def test_a_fragment_of_elsewhere(folder: RunFolder, other: list[Any]) -> None:
    """A fragment tells its run and its number: one that was copied from another run, or renamed, is found."""
    folder.fragment(1).write_bytes(to_line(other) + b"".join(LINES[1:]))
    (damage,) = verify(folder).damages
    assert "00000001.journal" == damage.file


@pytest.mark.parametrize("text", ["", "{}", "rubbish"])
def test_a_damaged_manifest(folder: RunFolder, text: str) -> None:
    """It is named; the fragments are checked all the same."""
    (folder.path / MANIFEST).write_text(text)
    found = verify(RunFolder(folder.path))
    assert (["run.json"], 5) == ([damage.file for damage in found.damages], found.records)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a file system of its own, where this user may mount one."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    own = mounted(place, "size=1m")
    yield place
    if own:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_journal_that_may_only_be_read(elsewhere: Path) -> None:
    """A copy on a read-only disk, such as a backup, is checked like any other."""
    folder = journals.new(elsewhere)
    folder.fragment(1).write_bytes(WHOLE)
    folder.lease.write_text("{}")
    mounted(elsewhere, "remount,ro")
    assert Verification(journals.RUN_ID, 1, 5, 1, (), 0, 0, live=False) == verify(folder)
