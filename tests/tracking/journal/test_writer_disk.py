"""vreason_tracking.journal.writer on a disk that refuses: really full (a small file system, /dev/full), or failing as a bad one does."""

from __future__ import annotations

import errno
import os
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import journals
from tests.helpers.disk import FullDisk, full_device, small_disk
from tests.helpers.waiting import wait_until
from vreason.errors import TrackingError
from vreason_tracking.journal import writer as module
from vreason_tracking.journal.folder import RunFolder, new_run_id
from vreason_tracking.journal.reader import recover
from vreason_tracking.journal.verification import verify
from vreason_tracking.journal.writer import JournalWriter
from vreason_tracking.running.recorder import RunRecorder

FIRST = [("a", token) for token in range(20)]
BOTH = [*FIRST, *(("b", token) for token in range(9))]


@pytest.fixture(params=["file system", "device"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FullDisk]:
    """A disk that can be filled: a file system of its own, or an ordinary one of which the next fragment is on /dev/full."""

    def next_fragment() -> Path:
        folder = RunFolder(next(place.glob("*-*")))
        return folder.fragment(len(folder.fragments()) + 1, opened=True)

    place = tmp_path / "disk"
    if request.param == "device":
        yield full_device(place, next_fragment)
        return
    with small_disk(place, next_fragment) as made:
        yield made


@pytest.fixture
def folder(disk: FullDisk) -> RunFolder:
    """A run of its own name on that disk: a warning is given once a run."""
    return journals.new(disk.folder, new_run_id())


def put(writer: JournalWriter, name: str, count: int) -> None:
    """A whole sample."""
    for block in journals.blocks(name, count):
        writer.put(block)


def cpu_seconds(writer: JournalWriter) -> float:
    """What the writer's thread has computed so far."""
    assert writer._thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(writer._thread.ident))


def test_room_is_made(disk: FullDisk, folder: RunFolder) -> None:
    """One warning that says what to do, however often the disk is asked; once there is room, everything is there, and only once."""
    writer = JournalWriter(folder, retry_timeout=60)
    put(writer, "a", 20)
    writer.flush()
    disk.fill()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        put(writer, "b", 9)
        assert wait_until(lambda: bool(caught), 10)
        time.sleep(3 * module._AGAIN)
        disk.make_room()
        writer.close()
    assert [RuntimeWarning] == [warning.category for warning in caught]
    text = "the journal cannot be written (No space left on device); trying again for 60 s: make room now"
    assert f"{folder.path}: {text}" == str(caught[0].message)
    assert (BOTH, True) == (journals.steps_of(folder), verify(folder).intact)


@pytest.mark.filterwarnings("ignore:.*the journal cannot be written")
def test_patience_at_its_end(disk: FullDisk, folder: RunFolder) -> None:
    """The journal gives up with an error that says why, what is kept and how to go on; what was closed before is as it was."""
    writer = JournalWriter(folder, retry_timeout=0.4)
    put(writer, "a", 20)
    writer.flush()
    before = {path: path.read_bytes() for _, path in folder.fragments()}
    disk.fill()
    put(writer, "b", 9)
    with pytest.raises(TrackingError) as caught:
        writer.close()
    text = f"{folder.path}: the journal cannot be written (No space left on device); what was closed before is kept: "
    assert f"{text}make room or fix the folder, then continue with --resume {folder.run_id}" == str(caught.value)
    assert before == {path: path.read_bytes() for _, path in folder.fragments()}
    disk.make_room()
    recover(folder)
    verified = verify(folder)
    assert (FIRST, (), 0) == (journals.steps_of(folder)[:20], verified.damages, verified.torn_bytes)
    assert BOTH[: len(journals.steps_of(folder))] == journals.steps_of(folder)


@pytest.mark.filterwarnings("ignore:.*the journal cannot be written")
def test_a_run_goes_on_when_there_is_room(disk: FullDisk, folder: RunFolder) -> None:
    """After the journal has given up, the same run is continued in the next session, with everything that had been safe."""
    recorder = RunRecorder(folder, retry_timeout=0.3)
    put(recorder._writer, "a", 20)
    recorder._writer.flush()
    disk.fill()
    put(recorder._writer, "b", 9)
    with pytest.raises(TrackingError, match="No space left"):
        recorder.finish("FAILED", "the disk is full")
    disk.make_room()
    again = RunRecorder(folder)
    put(again._writer, "b", 9)
    again.finish("FINISHED")
    assert (2, FIRST, BOTH[20:]) == (again.session, journals.steps_of(folder)[:20], journals.steps_of(folder)[-9:])
    assert (True, 2) == (verify(folder).intact, verify(folder).samples)


@pytest.mark.filterwarnings("ignore:.*the journal cannot be written")
def test_nobody_waits_for_a_journal_that_has_given_up(disk: FullDisk, folder: RunFolder) -> None:
    """Events are still taken, and dropped; and the thread rests."""
    writer = JournalWriter(folder, retry_timeout=0.0)
    put(writer, "a", 20)
    writer.flush()
    disk.fill()
    put(writer, "b", 9)
    assert wait_until(lambda: writer.failure is not None, 10)
    for _ in range(3 * module.QUEUED):
        writer.put(journals.blocks("c", 1)[0])
    assert wait_until(writer._queue.empty, 10)
    time.sleep(module.INTERVAL)  # what was left open would be due
    began = cpu_seconds(writer)
    time.sleep(0.5)
    assert 0.05 > cpu_seconds(writer) - began
    with pytest.raises(TrackingError):
        writer.close()


@pytest.mark.parametrize("last", ["sample", "nothing"])
def test_warnings_that_are_errors(disk: FullDisk, folder: RunFolder, last: str) -> None:
    """With `python -W error`, too, a full disk is waited for, and what could not be written is never taken for written."""
    writer = JournalWriter(folder, retry_timeout=0.4)
    disk.fill()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in journals.blocks("a", 3)[: 2 if last == "sample" else 1]:
            writer.put(block)
        assert wait_until(lambda: writer.failure is not None or not writer._thread.is_alive(), 5)
    with pytest.raises(TrackingError, match="cannot be written"):
        writer.close()


def failing(call: str, times: int, number: int, patch: pytest.MonkeyPatch) -> list[int]:
    """The next `times` calls of this function of `os` fail after they were passed on; returns a list that grows with each failure."""
    real, failed = getattr(os, call), []

    def fail(*arguments: object, **options: object) -> object:
        done = real(*arguments, **options)
        if len(failed) < times and threading.current_thread().name == "journal":
            failed.append(1)
            raise OSError(number, os.strerror(number))
        return done

    patch.setattr(os, call, fail)
    return failed


@pytest.mark.filterwarnings("ignore:.*the journal cannot be written")
@pytest.mark.parametrize("call", ["write", "fsync", "replace", "open", "close"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_call_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, times: int) -> None:
    """Whichever call fails, though it had its effect, it is tried again, and everything is there exactly once.

    A network disk may tell of a full one only as a file is closed.
    """
    folder = journals.new(tmp_path, new_run_id())
    failed = failing(call, times, errno.EIO, monkeypatch)
    writer = JournalWriter(folder, retry_timeout=3)
    put(writer, "a", 20)
    put(writer, "b", 9)
    writer.close()
    assert times == len(failed)
    assert (BOTH, ()) == (journals.steps_of(folder), verify(folder).damages)
    assert [] == folder.fragments(opened=True)


@pytest.mark.filterwarnings("ignore:.*the journal cannot be written")
def test_nothing_is_trusted_after_a_failed_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may have dropped what it could not write and forgotten that it did: the fragment is written again from its beginning."""
    folder = journals.new(tmp_path, new_run_id())
    written: list[int] = []
    real = os.write

    def write(file: int, data: bytes) -> int:
        written.append(len(data))
        return real(file, data)

    failing("fsync", 1, errno.EIO, monkeypatch)
    monkeypatch.setattr(os, "write", write)
    journals.write(folder, [journals.blocks("a", 5)[0]])
    assert folder.fragment(1).stat().st_size == written[-1]
