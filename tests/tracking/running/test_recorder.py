"""vreason_tracking.running.recorder: what is told of a session stands in its run's journal, and the run has one owner."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import journals, records
from tests.helpers.disk import no_room, small_disk
from tests.helpers.lease_holder import holding
from tests.helpers.waiting import wait_until
from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason.events import PrefillRecord
from vreason.listeners import ListenerGuard
from vreason_tracking.journal.codec import FORMAT, Event, SampleEntry, SessionEnded, SessionStarted, head
from vreason_tracking.journal.folder import RunFolder, new_run_id
from vreason_tracking.journal.lease import LeaseTakenError, is_held
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.reader import last_end
from vreason_tracking.journal.samples import SampleAssembly
from vreason_tracking.journal.verification import verify
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.telemetry import DeviceRecord


def answer(recorder: RunRecorder, name: str = "s-1", count: int = 20, **changes: Any) -> list[Any]:
    """Tell a whole sample; returns what was told."""
    *blocks, (sample,) = journals.blocks(name, count, **changes)
    for block in blocks:
        recorder.on_steps(block)  # type: ignore[arg-type]
    recorder.on_sample(sample)  # type: ignore[arg-type]
    return [*(event for block in blocks for event in block), sample]


def told(folder: RunFolder) -> list[Any]:
    """Every event of the run as it was handed over."""
    return [event.sample if isinstance(event, SampleEntry) else event for event in journals.events(folder)]


def test_it_is_an_observer(tmp_path: Path) -> None:
    """The decoding loop's guard can tell it of steps and samples; prompts it does not listen to. Nothing fails."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    guard = ListenerGuard([recorder])
    steps = records.steps(count=3)
    guard.prefill(PrefillRecord("s-1", 60, 36, 18))
    guard.steps(steps)
    guard.sample(records.sample("s-1", steps))
    recorder.finish("FINISHED")
    assert ([*steps, records.sample("s-1", steps)], {}) == (told(recorder.folder)[1:-1], guard.failures)


def test_a_session(tmp_path: Path) -> None:
    """Its beginning with process, machine and user, all that was told in its order, and its end with status, error and notes."""
    before = unix_ms()
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    expected = [*answer(recorder), journals.device(), records.failed("s-2")]
    recorder.on_device(journals.device())
    recorder.on_sample(records.failed("s-2"))
    recorder.finish("FAILED", "it broke", ["listener Progress failed 2 time(s)"])
    begin, *events, end = told(recorder.folder)
    started = SessionStarted(1, os.getpid(), platform.node(), begin.user, begin.started_ms, recorder.folder.manifest_digest)
    assert (started, expected) == (begin, events)
    assert SessionEnded(1, "FAILED", "it broke", end.ended_ms, ("listener Progress failed 2 time(s)",)) == end
    assert before <= begin.started_ms <= end.ended_ms <= unix_ms()
    assert (end, True) == (last_end(recorder.folder), verify(recorder.folder).intact)


def test_the_manifest_is_there_first(tmp_path: Path) -> None:
    """From the moment that a recorder exists, its run can be found, and is seen to be under way."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    folder = RunFolder(recorder.folder.path)
    assert (journals.manifest(), [1]) == (folder.manifest, [event.session for event in told(folder)])
    assert (True, None) == (is_held(folder.lease), last_end(folder))
    recorder.finish("FINISHED")


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_nothing_is_left_behind(tmp_path: Path, status: str) -> None:
    """When a session is over, however it ended, its thread is gone, its lease free, no fragment and no file open."""
    threads, files = set(threading.enumerate()), set(os.listdir("/proc/self/fd"))
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    recorder.on_steps(records.steps("s-1", 5))
    recorder.finish(status)
    assert (set(), files) == (set(threading.enumerate()) - threads, set(os.listdir("/proc/self/fd")))
    assert (False, []) == (is_held(recorder.folder.lease), recorder.folder.fragments(opened=True))


def test_another_session(tmp_path: Path) -> None:
    """It has the next number, and its fragments follow without a gap; the first session's stay as they are."""
    first = RunRecorder.create(tmp_path, journals.manifest())
    answer(first, "a")
    first.on_steps(records.steps("b", 5))
    first.finish("KILLED", "interrupted from the keyboard")
    before = {path: path.read_bytes() for _, path in first.folder.fragments()}
    second = RunRecorder(RunFolder(first.folder.path))
    answer(second, "b")
    second.finish("FINISHED")
    after = dict(second.folder.fragments())
    assert (1, 2, list(range(1, len(after) + 1))) == (first.session, second.session, list(after))
    assert before == {path: path.read_bytes() for path in before}
    sessions = [event.session for event in told(second.folder) if isinstance(event, (SessionStarted, SessionEnded))]
    assert [1, 1, 2, 2] == sessions
    finished = list(SampleAssembly().feed(journals.events(second.folder)))
    assert [("a", 20), ("b", 20)] == [(each.sample.sample_id, len(each.steps)) for each in finished]


@pytest.mark.parametrize("torn", [0, 1, 30, 10_000])
def test_what_an_earlier_session_left_open(tmp_path: Path, torn: int) -> None:
    """Its whole records are kept and closed before the new session begins, which then is the next."""
    folder = journals.new(tmp_path)
    left: list[Event] = [journals.begin(), *records.steps("a", 4)]
    data = journals.fragment_bytes(left, closed=False)
    folder.fragment(1, opened=True).write_bytes(data[: max(0, len(data) - torn)])
    recorder = RunRecorder(folder)
    recorder.finish("FINISHED")
    kept = {0: left, 1: left[:-1], 30: left[:-1], 10_000: []}[torn]
    assert kept == told(folder)[:-2]
    assert (2 if kept else 1, ()) == (recorder.session, verify(folder).damages)


def test_a_run_of_another_process(tmp_path: Path) -> None:
    """It is refused with that process's number, and nothing of the run is touched; when it is gone, the run can be had."""
    folder = journals.new(tmp_path)
    opened = folder.fragment(1, opened=True)
    opened.write_bytes(journals.fragment_bytes([journals.begin()], closed=False))
    with holding(folder.lease) as other:
        threads = set(threading.enumerate())
        with pytest.raises(LeaseTakenError, match=f"process {other.process.pid} on"):
            RunRecorder(folder)
        assert (True, set()) == (opened.exists(), set(threading.enumerate()) - threads)
    recorder = RunRecorder(folder)
    recorder.finish("FINISHED")
    assert 2 == recorder.session


def test_two_recorders_in_one_process(tmp_path: Path) -> None:
    """The second is refused; the first goes on, and its run is whole."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    expected = answer(recorder, "a")
    with pytest.raises(LeaseTakenError, match=f"process {os.getpid()} on"):
        RunRecorder(recorder.folder)
    expected += answer(recorder, "b")
    recorder.finish("FINISHED")
    assert expected == told(recorder.folder)[1:-1]


def test_a_journal_of_a_later_version(tmp_path: Path) -> None:
    """It is not written to, the message says what to do, and the run is let go of."""
    folder = journals.new(tmp_path)
    later = to_line(["head", {**head(journals.RUN_ID, 1)[1], "format": FORMAT + 1}])
    folder.fragment(1).write_bytes(later)
    with pytest.raises(TrackingError, match="upgrade vreason-track"):
        RunRecorder(folder)
    assert (False, {1: later}) == (is_held(folder.lease), {number: path.read_bytes() for number, path in folder.fragments()})


@pytest.mark.filterwarnings("ignore:.*the journal cannot be written")
def test_no_room_when_a_session_begins(tmp_path: Path) -> None:
    """No session is begun: the message says what to do, and neither the lease nor a thread is kept."""
    folder = journals.new(tmp_path, new_run_id())
    threads = set(threading.enumerate())
    with no_room(), pytest.raises(TrackingError, match=rf"{folder.run_id}: the journal cannot be written .*--resume {folder.run_id}"):
        RunRecorder(folder, retry_timeout=0.3)
    assert not is_held(folder.lease)
    assert wait_until(lambda: set() == set(threading.enumerate()) - threads, 2)


@pytest.mark.filterwarnings("ignore:.*the journal cannot be written")
def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    """`check` tells as soon as the journal has given up, listeners are told nothing, and `finish` tells again and lets go of the run."""
    place = tmp_path / "disk"
    with small_disk(place, lambda: place / run_id / "00000002.journal.open") as disk:
        run_id = new_run_id()
        recorder = RunRecorder(journals.new(place, run_id), retry_timeout=0.3)
        recorder.check()
        disk.fill()
        answer(recorder)
        assert wait_until(lambda: recorder._writer.failure is not None, 10)
        for tell in (recorder.check, lambda: recorder.finish("FAILED", "the disk is full")):
            with pytest.raises(TrackingError, match="No space left on device"):
                tell()
        assert not is_held(recorder.folder.lease)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """The message names the folder and what to change."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match=r"file/.*cannot be written .* tracking\.journal"):
        RunRecorder.create(tmp_path / "file", journals.manifest())


def test_a_lease_that_cannot_be_made(tmp_path: Path) -> None:
    """A run that may not be written is refused with a message, not a traceback. (A folder where the lease should be stops even root.)"""
    folder = journals.new(tmp_path)
    folder.lease.unlink(missing_ok=True)
    folder.lease.mkdir()
    with pytest.raises(TrackingError, match=r"lease.*permissions"):
        RunRecorder(folder)


def test_told_from_two_threads(tmp_path: Path) -> None:
    """Devices are told of by a thread of their own: nothing is lost, and each thread's events keep their order."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    devices = [journals.device(second) for second in range(500)]
    teller = threading.Thread(target=lambda: [recorder.on_device(device) for device in devices])
    teller.start()
    expected = answer(recorder, "a", 2_000)
    teller.join()
    recorder.finish("FINISHED")
    events = told(recorder.folder)[1:-1]
    assert devices == [event for event in events if isinstance(event, DeviceRecord)]
    assert expected == [event for event in events if not isinstance(event, DeviceRecord)]


def test_samples_of_a_batch_side_by_side(tmp_path: Path) -> None:
    """Steps of two samples that come mixed end up with the sample to which each belongs."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    replies = [records.steps("a", 6), records.steps("b", 6)]
    recorder.on_steps([step for pair in zip(*replies, strict=True) for step in pair])
    for reply in replies:
        recorder.on_sample(records.sample(reply[0].sample_id, reply))
    recorder.finish("FINISHED")
    finished = SampleAssembly().feed(journals.events(recorder.folder))
    assert [tuple(reply) for reply in replies] == [each.steps for each in finished]


def test_a_reply_of_many_tokens(tmp_path: Path) -> None:
    """1,024 tokens, the paper's longest reply: every one of them is there."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    expected = answer(recorder, "s-1", 1_024)
    recorder.finish("FINISHED")
    assert expected == told(recorder.folder)[1:-1]


def test_an_entropy_that_is_no_number(tmp_path: Path) -> None:
    """A model that went wrong leaves NaN and infinity in its curve, and that is what the record shows."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    steps = [replace(step, entropy=value) for step, value in zip(records.steps(count=3), (float("nan"), float("inf"), 0.5), strict=True)]
    recorder.on_steps(steps)
    recorder.finish("FINISHED")
    assert ["nan", "inf", "0.5"] == [str(step.entropy) for step in told(recorder.folder)[1:-1]]


def test_the_run_does_not_pay_for_the_store() -> None:
    """What writes the journal loads neither MLflow nor its database's library, nor torch, before a run begins."""
    names = ("mlflow", "sqlalchemy", "torch", "pyarrow")
    script = f"import sys, vreason_tracking.running.recorder; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert "[]" == done.stdout.strip()
