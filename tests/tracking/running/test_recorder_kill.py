"""vreason_tracking.running.recorder in real processes that are killed with SIGKILL at random moments while they record as fast as they
can.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.helpers import journal_process, journals
from tests.helpers.journal_process import Told
from vreason_tracking.catalog.reaping import reap_journal
from vreason_tracking.journal.codec import SampleEntry, SessionStarted
from vreason_tracking.journal.dead_runs import close_dead_run
from vreason_tracking.journal.folder import RunFolder, run_folders
from vreason_tracking.journal.lease import is_held
from vreason_tracking.journal.reader import last_end, recover
from vreason_tracking.journal.samples import SampleAssembly
from vreason_tracking.journal.verification import verify
from vreason_tracking.running.recorder import RunRecorder

KILLS = 24
LONGEST = 0.25  # seconds of recording
LOST = 1.0  # seconds of open steps that may be lost
TOKENS = 150


@pytest.fixture(scope="module", params=range(KILLS))
def killed_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, float]:
    """A run whose process is no more, and the monotonic second at which it was killed; each at another moment."""
    return _killed(tmp_path_factory.mktemp("killed"), LONGEST * (request.param + random.random()) / KILLS)


@pytest.fixture
def killed(killed_once: tuple[RunFolder, float], tmp_path: Path) -> tuple[RunFolder, float]:
    """A copy of such a run."""
    root = shutil.copytree(killed_once[0].path.parent, tmp_path / "copy")
    return RunFolder(root / journals.RUN_ID), killed_once[1]


def _killed(root: Path, after: float, *, ready: bool = True) -> tuple[RunFolder, float]:
    process = journal_process.start(root, journals.RUN_ID, TOKENS)
    assert process.stdout is not None
    if ready:
        assert "ready\n" == process.stdout.readline()
    time.sleep(after)
    moment = time.monotonic()
    process.kill()
    process.communicate()
    return RunFolder(root / journals.RUN_ID), moment


def kept(folder: RunFolder) -> list[tuple[str, int | None]]:
    """Sample and token of every step in the closed fragments, and None in place of the token for the sample itself."""
    found: list[tuple[str, int | None]] = []
    for event in journals.events(folder):
        if isinstance(event, SampleEntry):
            found.append((event.sample.sample_id, None))
        elif hasattr(event, "token_index"):
            found.append((event.sample_id, event.token_index))
    return found


def each_token(told: list[Told]) -> list[tuple[str, int | None]]:
    """What was told, a step at a time."""
    found: list[tuple[str, int | None]] = []
    for block in told:
        if block.token is None:
            found.append((block.sample, None))
        else:
            found += [(block.sample, token) for token in range(block.token - block.token % journal_process.BLOCK, block.token + 1)]
    return found


def test_killed_at_any_moment(killed: tuple[RunFolder, float]) -> None:
    """What was told until a second before is kept, in order, without a gap and without a double; what passed for closed is unharmed."""
    folder, moment = killed
    closed = {path: path.read_bytes() for _, path in folder.fragments()}
    assert () == verify(folder).damages
    recover(folder)
    told = journal_process.told(folder.path.parent)
    expected, left = each_token(told), kept(folder)
    assert expected[: len(left)] == left[: len(expected)]  # the last block may have been handed over but not noted
    assert len(left) - len(expected) <= journal_process.BLOCK
    assert len(each_token([block for block in told if block.moment < moment - LOST])) <= len(left)
    assert ((), 0, 0) == (verify(folder).damages, verify(folder).open_records, verify(folder).torn_bytes)
    assert closed == {path: path.read_bytes() for path in closed}


def test_another_session_goes_on(killed: tuple[RunFolder, float]) -> None:
    """It is the second, its fragments follow without a gap, and every sample that was closed before counts, once and whole."""
    folder, _ = killed
    assert not is_held(folder.lease)
    whole = {event.sample.sample_id for event in journals.events(folder) if isinstance(event, SampleEntry)}
    recorder = RunRecorder(folder)
    for block in journals.blocks("the next", 20):
        recorder._writer.put(block)
    recorder.finish("FINISHED")
    numbers = [number for number, _ in folder.fragments()]
    assert (2, list(range(1, len(numbers) + 1))) == (recorder.session, numbers)
    assert [1, 2] == [event.session for event in journals.events(folder) if isinstance(event, SessionStarted)]
    finished = list(SampleAssembly().feed(journals.events(folder)))
    assert len(finished) == len({each.sample.sample_id for each in finished})
    assert whole | {"the next"} <= {each.sample.sample_id for each in finished}
    assert [TOKENS] * (len(finished) - 1) == [len(each.steps) for each in finished[:-1]]
    assert () == verify(folder).damages


def test_killed_again_and_again(tmp_path: Path) -> None:
    """Five sessions of one run, all of them killed: each counts, each begins where the last whole record was, and the sixth ends it."""
    for session in range(1, 6):
        folder, moment = _killed(tmp_path, 0.1 * random.random())
        end = close_dead_run(folder)
        assert ("KILLED", session) == (end and end.status, end and end.session)
        assert end is not None
        assert abs(end.ended_ms - time.time() * 1000 + (time.monotonic() - moment) * 1000) < 1500
    recorder = RunRecorder(folder)
    recorder.finish("FINISHED")
    ended = last_end(folder)
    assert (6, 6, "FINISHED") == (recorder.session, ended and ended.session, ended and ended.status)
    assert list(range(1, 7)) == [event.session for event in journals.events(folder) if isinstance(event, SessionStarted)]
    assert (True, len(kept(folder))) == (verify(folder).intact, len(set(kept(folder))))


@pytest.mark.parametrize("part", range(8))
def test_killed_while_it_begins(tmp_path: Path, part: int) -> None:
    """There is no run yet, or one that can be closed as KILLED and gone on with; never one that is in the way."""
    _killed(tmp_path, 0.05 + 0.2 * (part + random.random()) / 8, ready=False)
    reaped_ids = [reaped.run_id for reaped in reap_journal(tmp_path)]
    assert reaped_ids == [found.run_id for found in run_folders(tmp_path)]
    for found in run_folders(tmp_path):
        recorder = RunRecorder(found)
        recorder.finish("FINISHED")
        assert (True, 2) == (verify(found).intact, recorder.session)
    assert [] == list(reap_journal(tmp_path))
