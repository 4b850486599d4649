"""vreason_tracking.catalog.reaping of the journal: a run whose process is gone is told so, any other is left alone."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import journal_process, journals, records
from tests.helpers.deaths import dies
from tests.helpers.disk import small_disk
from tests.helpers.lease_holder import holding
from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason_tracking.catalog.reaping import reap_journal
from vreason_tracking.journal.codec import Event, SessionEnded, SessionStarted
from vreason_tracking.journal.dead_runs import close_dead_run
from vreason_tracking.journal.folder import MANIFEST, RunFolder
from vreason_tracking.journal.lease import is_held
from vreason_tracking.journal.reader import last_end, recover
from vreason_tracking.journal.verification import verify
from vreason_tracking.running.recorder import RunRecorder

LAST = unix_ms() - 3_600_000  # last sign of life of whoever died here: an hour ago
WHY = "process 4242 on elsewhere died abruptly (kill -9, out of memory or a power cut?)"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return journals.new(tmp_path)


def died(folder: RunFolder, *fragments: Sequence[Event], torn: Sequence[Event] = ()) -> None:
    """What a process left that died an hour ago."""
    begun = replace(journals.begin(), started_ms=LAST - 500)
    for number, events in enumerate([[begun], *fragments], 1):
        folder.fragment(number).write_bytes(journals.fragment_bytes(events, number))
    if torn:
        number = len(fragments) + 2
        folder.fragment(number, opened=True).write_bytes(journals.fragment_bytes(torn, number, closed=False) + b"torn")
    for path in folder.path.iterdir():
        os.utime(path, ns=(LAST * 1_000_000, LAST * 1_000_000))


def steps(name: str = "s-1", count: int = 3) -> list[Event]:
    """Drawn in the last moments before that."""
    return [*records.steps(name, count, start_ms=LAST - count * records.STEP_MS)]


def ends(folder: RunFolder) -> list[SessionEnded]:
    """Every end that the run's closed fragments tell of."""
    return [event for event in journals.events(folder) if isinstance(event, SessionEnded)]


@pytest.mark.parametrize("torn", [[], steps("s-1", 4)])
def test_a_dead_run(folder: RunFolder, torn: list[Event]) -> None:
    """It is KILLED, by an end that names session, process and machine, and dates it to its last sign of life; nothing is torn any more."""
    died(folder, steps("s-0"), torn=torn)
    end = close_dead_run(folder)
    assert end is not None
    assert replace(end, ended_ms=0) == SessionEnded(1, "KILLED", WHY, 0)
    assert abs(end.ended_ms - LAST) < 1000
    assert ([end], end) == (ends(folder), last_end(folder))
    assert ([], (), len(torn)) == (folder.fragments(opened=True), verify(folder).damages, len(journals.steps_of(folder)) - 3)
    assert not is_held(folder.lease)


def test_the_delivery_of_a_dead_run_is_no_sign_of_life(folder: RunFolder) -> None:
    """What others wrote beside it since, and its lease, do not date its end."""
    died(folder, steps())
    for path in (folder.lease, folder.delivery_log, folder.delivery_lease):
        path.write_text("")
    end = close_dead_run(folder)
    assert end is not None
    assert abs(end.ended_ms - LAST) < 1000


def test_a_recovery_is_no_sign_of_life(folder: RunFolder) -> None:
    """Whoever closed what it left open, and died before it could say so, does not date its end either."""
    died(folder, torn=steps())
    recover(folder)
    end = close_dead_run(folder)
    assert end is not None
    assert abs(end.ended_ms - LAST) < 1000


def test_a_process_that_was_killed(tmp_path: Path) -> None:
    """The same of a real process, with its own number."""
    process = journal_process.start(tmp_path, journals.RUN_ID, 50)
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    process.kill()
    moment = unix_ms()
    process.communicate()
    folder = RunFolder(tmp_path / journals.RUN_ID)
    end = close_dead_run(folder)
    assert end is not None
    assert ("KILLED", f"process {process.pid} on {platform.node()} died") == (end.status, (end.error or "").split(" abruptly")[0])
    assert -2000 < end.ended_ms - moment < 100


def test_a_run_that_died_before_it_said_anything(folder: RunFolder) -> None:
    """It has a manifest and nothing else: it is closed as its first session, dated to the manifest."""
    os.utime(folder.path / MANIFEST, ns=(LAST * 1_000_000, LAST * 1_000_000))
    end = close_dead_run(folder)
    assert end is not None
    assert (1, "KILLED", True) == (end.session, end.status, (end.error or "").startswith("its process died abruptly"))
    assert abs(end.ended_ms - LAST) < 1000


def test_the_second_session_of_a_run(folder: RunFolder) -> None:
    """It is the last session that died, by its own process."""
    begun = SessionStarted(2, 77, "there", "somebody", LAST - 100)
    died(folder, [*steps(), journals.end(1, "KILLED", "it was killed")], [begun], torn=steps())
    end = close_dead_run(folder)
    assert end is not None
    assert (2, True) == (end.session, (end.error or "").startswith("process 77 on there died"))
    assert [1, 2] == [end.session for end in ends(folder)]


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_that_ended(folder: RunFolder, status: str) -> None:
    """It is left alone, whatever its end: no file is touched."""
    died(folder, [*steps(), journals.end(1, status)])
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.path.iterdir()}
    assert (None, []) == (close_dead_run(folder), list(reap_journal(folder.path.parent)))
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.path.iterdir()}


def test_a_living_run(folder: RunFolder) -> None:
    """It is left alone while its process lives, and can go on."""
    recorder = RunRecorder(folder)
    recorder.on_steps(records.steps("s-1", 3))
    assert (None, []) == (close_dead_run(folder), list(reap_journal(folder.path.parent)))
    recorder.finish("FINISHED")
    assert ["FINISHED"] == [end.status for end in ends(folder)]


def test_a_living_run_of_another_process(folder: RunFolder) -> None:
    """The same, also when it has been silent for an hour: only the lease tells."""
    died(folder, torn=steps())
    with holding(folder.lease) as holder:
        assert (None, 1) == (close_dead_run(folder), len(folder.fragments(opened=True)))
        holder.kill()
        assert close_dead_run(folder) is not None


def test_a_run_that_is_just_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes by between its first file and its first record does not take it for dead."""
    real, came_by = os.replace, []

    def replaced(old: Path, new: Path) -> None:
        real(old, new)
        if threading.current_thread() is threading.main_thread() and not came_by:
            came_by.append(Path(new).name)
            list(reap_journal(tmp_path))

    monkeypatch.setattr(os, "replace", replaced)
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    recorder.finish("FINISHED")
    assert (MANIFEST, [1], ["FINISHED"]) == (came_by[0], [recorder.session], [end.status for end in ends(recorder.folder)])


@pytest.mark.parametrize("attempt", range(10))
def test_two_at_once(tmp_path: Path, attempt: int) -> None:
    """However many come by at the same moment, the run gets one end, and one of them wrote it."""
    folder = journals.new(tmp_path)
    died(folder, torn=steps())
    barrier, found = threading.Barrier(4), []

    def come_by() -> None:
        barrier.wait()
        found.append(close_dead_run(RunFolder(folder.path)))

    passers = [threading.Thread(target=come_by) for _ in range(4)]
    for passer in passers:
        passer.start()
    for passer in passers:
        passer.join()
    assert (4, 1, 1) == (len(found), sum(end is not None for end in found), len(ends(folder)))
    assert verify(folder).intact


@pytest.mark.parametrize("after", [False, True])
def test_an_undertaker_that_dies(folder: RunFolder, after: bool) -> None:
    """Killed at any of its calls to the kernel, it leaves a run that the next one closes: once, and with everything that was kept."""
    call = 1
    while True:
        died(folder, torn=steps())
        killed = dies(lambda: close_dead_run(folder), call, after)
        close_dead_run(folder)
        (end,) = ends(folder)
        assert (3, True) == (len(journals.steps_of(folder)), verify(folder).intact), call
        assert abs(end.ended_ms - LAST) < 1000, call
        for path in folder.path.glob("*.journal*"):
            path.unlink()
        if not killed:
            break
        call += 1
    assert call > 10


def test_the_dead_of_a_journal(tmp_path: Path) -> None:
    """All of them, and no others, oldest first."""
    names = [f"20261120T09451{number}-000000" for number in range(4)]
    folders = [journals.new(tmp_path, name) for name in names]
    died(folders[3], steps())
    died(folders[0], steps())
    died(folders[1], [journals.end()])
    with holding(folders[2].lease):
        assert [names[0], names[3]] == [folder.run_id for folder in reap_journal(tmp_path)]
        assert [] == list(reap_journal(tmp_path))


def test_no_journal_at_all(tmp_path: Path) -> None:
    """It has no dead."""
    assert [] == list(reap_journal(tmp_path / "nowhere"))


def test_an_end_that_is_damaged(folder: RunFolder) -> None:
    """A run that had said that it was finished is not said to have been killed because a bit of that has flipped since."""
    died(folder, [*steps(), journals.end()])
    path = folder.fragment(2)
    path.write_bytes(path.read_bytes().replace(b"FINISHED", b"FINISHEE"))
    assert (None, []) == (close_dead_run(folder), ends(folder))


def test_a_full_disk(tmp_path: Path) -> None:
    """The message says what to do; the run is as it was, and closed when there is room."""
    place = tmp_path / "disk"
    with small_disk(place, lambda: place / journals.RUN_ID / "00000002.journal.new") as disk:
        folder = journals.new(place)
        died(folder)
        disk.fill()
        with pytest.raises(TrackingError, match=r"(end of the run cannot be written|cannot be closed).*make room"):
            close_dead_run(folder)
        assert ([], False) == (ends(folder), is_held(folder.lease))
        disk.make_room()
        assert [close_dead_run(folder)] == ends(folder)


def test_one_that_cannot_be_closed_is_in_nobodys_way(tmp_path: Path) -> None:
    """A dead run that may not be written (somebody else's, say) does not keep the other dead from being closed."""
    names = ["20260101T000000-000000", "20260202T000000-000000"]
    first, second = (journals.new(tmp_path, name) for name in names)
    died(first, steps())
    died(second, steps())
    first.lease.unlink(missing_ok=True)
    first.lease.mkdir()  # stops even root
    with contextlib.suppress(TrackingError):
        list(reap_journal(tmp_path))
    assert ["KILLED"] == [end.status for end in ends(second)]
