"""vreason_tracking.journal.writer: what reaches the disk, when, in which order, and what waits for it."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import journal_process, journals, records
from tests.helpers.disk import DiskCalls
from tests.helpers.waiting import wait_until
from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason.events import StepRecord
from vreason_tracking.journal import writer as module
from vreason_tracking.journal.codec import SampleEntry
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.reader import read_fragment
from vreason_tracking.journal.writer import INTERVAL, QUEUED, JournalWriter
from vreason_tracking.records.metrics import count_points

HOUR = 3600.0


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return journals.new(tmp_path)


@pytest.fixture
def writer(folder: RunFolder) -> Iterator[JournalWriter]:
    made = JournalWriter(folder)
    yield made
    made.close()


def closed(folder: RunFolder) -> list[int]:
    """Numbers of the closed fragments."""
    return [number for number, _ in folder.fragments()]


def test_everything_in_order(folder: RunFolder) -> None:
    """What is handed over is on disk when the writer is closed, in the order in which it came; nothing is left open."""
    given = [[journals.begin()], *journals.blocks("a", 40), [journals.device()], *journals.blocks("b", 3), [journals.end()]]
    journals.write(folder, given)
    told = [event.sample if isinstance(event, SampleEntry) else event for event in journals.events(folder)]
    assert [event for block in given for event in block] == told
    assert [] == folder.fragments(opened=True)


def test_the_points_of_a_sample(folder: RunFolder) -> None:
    """It is written with the number of points that it and its steps come to, also side by side with others, and when it began anew."""
    first, second, tried = records.steps("a", 9), records.steps("b", 4, controller=False), records.steps("b", 3)
    samples = [records.sample("a", first), records.sample("b", second)]
    journals.write(folder, [first[:5], tried, second[:2], first[5:], [samples[0]], second[2:], [samples[1]]])
    expected = [sum(map(count_points, [*reply, sample])) for reply, sample in zip((first, second), samples, strict=True)]
    assert expected == [event.points for event in journals.events(folder) if isinstance(event, SampleEntry)]


@pytest.mark.parametrize("last", [records.sample("s-1"), journals.begin(), journals.end()])
def test_what_is_safe_at_once(folder: RunFolder, writer: JournalWriter, last: object) -> None:
    """The end of a sample and both ends of a session close their fragment: it is not the next event that makes them safe."""
    writer.put([*records.steps(count=2), last])  # type: ignore[list-item]
    writer.flush()
    assert ([1], []) == (closed(folder), folder.fragments(opened=True))
    assert 3 == len(read_fragment(folder.fragment(1)).events)


def test_steps_survive_their_process_before_they_are_safe(folder: RunFolder, writer: JournalWriter) -> None:
    """What was handed over lies in the open fragment: the kernel keeps it when the process dies."""
    writer.put(records.steps(count=16))
    writer.flush()
    assert (16, []) == (len(read_fragment(folder.fragment(1, opened=True)).events), closed(folder))


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_steps_are_safe_within_a_second(folder: RunFolder, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """Though nothing follows them, and though the wall clock jumps while they come: the fragment is closed when its time is over."""
    before, before_ns = time.time, time.time_ns
    writer = JournalWriter(folder)
    born = time.monotonic()
    writer.put(records.steps("s-1", 3))
    writer.flush()
    monkeypatch.setattr(time, "time", lambda: before() + jump)
    monkeypatch.setattr(time, "time_ns", lambda: before_ns() + int(jump * 1e9))
    writer.put(records.steps("s-2", 2))
    assert wait_until(lambda: bool(closed(folder)), 10)
    assert INTERVAL / 2 < time.monotonic() - born < 1.5  # half a second is the machine's
    writer.close()
    assert [5] == [len(read_fragment(path).events) for _, path in folder.fragments()]


def test_what_the_loop_holds_back_counts() -> None:
    """The decoding loop tells of a token at most a quarter of a second late; with that, too, none is open for longer than a second."""
    assert 1.0 >= INTERVAL + 0.25


def test_no_fragment_spans_more_than_a_second(folder: RunFolder, writer: JournalWriter) -> None:
    """Steps that never stop coming are cut into fragments by time."""
    began, number = time.monotonic(), itertools.count()
    while time.monotonic() - began < 2.5 * INTERVAL:
        writer.put([replace(records.steps(count=1)[0], token_index=next(number), timestamp_ms=unix_ms())])
        time.sleep(0.005)
    writer.close()
    steps = ([event for event in read_fragment(path).events if isinstance(event, StepRecord)] for _, path in folder.fragments())
    stamps = [[step.timestamp_ms for step in each] for each in steps]
    assert 3 <= len(stamps)
    assert [] == [times[-1] - times[0] for times in stamps if times[-1] - times[0] > 1250]
    assert list(range(next(number))) == [token for _, token in journals.steps_of(folder)]


def test_a_fragment_is_not_too_large(folder: RunFolder, writer: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept in memory until it is safe has a bound of its own: a fragment that reaches it is closed before its time."""
    monkeypatch.setattr(module, "LARGEST", 20_000)
    for _ in range(30):
        writer.put(records.steps(count=16))
    writer.flush()
    assert 3 <= len(closed(folder))
    assert 20_000 + 16 * 300 > max(path.stat().st_size for _, path in folder.fragments())


def test_the_order_of_what_makes_a_fragment_safe(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each fragment: all of its bytes, then its name, then its folder; and nothing of it after that."""
    disk = DiskCalls(monkeypatch)
    journals.write(folder, [[journals.begin()], *journals.blocks("a", 40), *journals.blocks("b", 3), [journals.end()]])
    expected = []
    for number in range(1, 5):
        opened, path = folder.fragment(number, opened=True), folder.fragment(number)
        expected += [("fsync", opened.name, path.read_bytes()), ("replace", opened.name, path.name), ("fsync", f"{folder.run_id}/", b"")]
    assert expected == disk.calls


def test_a_closed_fragment_never_changes(folder: RunFolder, writer: JournalWriter) -> None:
    """The same file, untouched, with the same bytes, whatever is written after it."""

    def seen() -> list[tuple[int, int, int, bytes]]:
        stats = [(path.stat(), path.read_bytes()) for _, path in folder.fragments()]
        return [(stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, data) for stat, data in stats]

    writer.put([journals.begin()])
    before: list[tuple[int, int, int, bytes]] = []
    for name in "abcdef":
        for block in journals.blocks(name, 20):
            writer.put(block)
        writer.flush()
        assert before == seen()[: len(before)]
        assert len(before) < len(before := seen())


def test_numbers_without_a_gap(folder: RunFolder) -> None:
    """Fragments are numbered from the one that is named on, and each tells its number and its run."""
    journals.write(folder, [*journals.blocks("a", 2), *journals.blocks("b", 2)], first=7)
    assert [7, 8] == closed(folder)
    assert b'"fragment":8' in folder.fragment(8).read_bytes().splitlines()[0]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A disk whose fsync does not return until it is told to; call it to tell."""
    go_on, fsync = threading.Event(), os.fsync

    def waiting(file: int) -> None:
        assert go_on.wait(60)
        fsync(file)

    monkeypatch.setattr(os, "fsync", waiting)
    yield go_on.set
    go_on.set()


def test_nobody_waits_for_the_disk(folder: RunFolder, writer: JournalWriter, slow: Callable[[], None]) -> None:
    """While the disk hangs, everything but what fills the queue is taken at once; when it comes back, all of it is written."""
    writer.put([journals.begin()])
    for token in range(QUEUED):
        writer.put([replace(records.steps(count=1)[0], token_index=token)])
    assert [] == closed(folder)
    slow()
    writer.close()
    assert [("s-1", token) for token in range(QUEUED)] == journals.steps_of(folder)


def test_the_queue_has_a_bound(folder: RunFolder, writer: JournalWriter, slow: Callable[[], None]) -> None:
    """Memory does not grow without end behind a disk that hangs: who is a thousand blocks ahead waits for it, and loses nothing."""
    taken: list[int] = []

    def hand_over() -> None:
        for token in range(QUEUED + 10):
            writer.put([replace(records.steps(count=1)[0], token_index=token)])
            taken.append(token)

    writer.put([journals.begin()])
    feeder = threading.Thread(target=hand_over)
    feeder.start()
    feeder.join(1)
    assert feeder.is_alive()
    assert QUEUED - 1 <= len(taken) <= QUEUED + 1
    slow()
    feeder.join(60)
    writer.close()
    assert [("s-1", token) for token in range(QUEUED + 10)] == journals.steps_of(folder)


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Of 300,000 steps, the last 225,000 take no more memory than the first 75,000: within 8 MiB, the bound of a fragment."""
    process = journal_process.start(tmp_path, journals.RUN_ID, 1_000, 300_000)
    out, _ = process.communicate(timeout=120)
    quarter, whole = map(int, out.split()[1:])
    assert (0, True) == (process.returncode, 0 < quarter)
    assert 8 * 1024 > whole - quarter
    assert 10_000_000 < sum(path.stat().st_size for _, path in RunFolder(tmp_path / journals.RUN_ID).fragments())


def test_an_event_that_cannot_be_written(folder: RunFolder) -> None:
    """It does not pass in silence: the journal gives up and says why; what was safe before stays, and nobody is made to wait."""
    writer = JournalWriter(folder)
    for block in journals.blocks("a", 20):
        writer.put(block)
    writer.put([replace(records.steps("b", 1)[0], entropy={1, 2})])  # type: ignore[arg-type]
    for _ in range(2 * QUEUED):
        writer.put(records.steps("b", 1))
    for act in (writer.flush, writer.check, writer.close):
        with pytest.raises(TrackingError, match=r"TypeError: .*set.*not JSON serializable"):
            act()
    assert [("a", token) for token in range(20)] == journals.steps_of(folder)


def test_closing_twice(folder: RunFolder) -> None:
    """The second time does nothing; the thread has ended with the first."""
    before = set(threading.enumerate())
    writer = JournalWriter(folder)
    writer.put([journals.begin()])
    writer.close()
    writer.close()
    assert (set(), [1]) == (set(threading.enumerate()) - before, closed(folder))


def test_nothing_at_all(folder: RunFolder) -> None:
    """A writer that was given nothing leaves nothing, and neither does an empty block."""
    journals.write(folder, [[]])
    assert ([], []) == (closed(folder), folder.fragments(opened=True))
