"""Faults that befall real runs: what they end with, what is kept, and that the record is the undisturbed one's in the end."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow import MlflowClient

from tests.helpers import trials
from tests.helpers.disk import small_disk
from tests.helpers.forked_program import Child
from tests.helpers.tracking_server import TrackingServer
from tests.integration.real_runs import finished_samples, in_mlflow, make_place, only_run, outcome
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.reader import last_end
from vreason_tracking.journal.verification import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SAMPLES, TOKENS = 16, 40


@pytest.fixture(scope="module")
def undisturbed(program, tmp_path_factory, mlflow_template, random_model_folder) -> RunFolder:
    """A run that nothing befell, delivered to a SQLite file."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    make_place(folder, mlflow_template, random_model_folder, None, SAMPLES, TOKENS)
    child = program.start(folder, "run", "-c", "trial.yaml")
    assert 0 == child.wait(), child.text()
    found = only_run(folder)
    assert found is not None
    return found


@pytest.fixture
def place(tmp_path, mlflow_template, random_model_folder) -> Callable[..., Path]:
    """A folder with a config and a database of its own."""
    return lambda uri=None: make_place(tmp_path / "run", mlflow_template, random_model_folder, uri, SAMPLES, TOKENS)


@pytest.fixture
def server(tmp_path, mlflow_template) -> Iterator[TrackingServer]:
    (tmp_path / "server").mkdir()
    trials.copy_store(mlflow_template, tmp_path / "server")
    made = TrackingServer(tmp_path / "server")
    yield made
    made.stop()


def until(reached: Callable[[], Any], child: Child, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, child.text()
        time.sleep(0.02)


def answered(folder: Path) -> int:
    found = only_run(folder)
    return len(finished_samples(found)) if found else 0


def delivered(folder: Path) -> int:
    found = only_run(folder)
    return len(read_delivered(found.delivery_log).samples) if found else 0


def same_record(undisturbed: RunFolder, folder: Path, uri: str | None = None) -> bool:
    """Whether the run in `folder` says what the undisturbed one says, in the journal and in MLflow."""
    found = only_run(folder)
    assert found is not None
    assert outcome(undisturbed) == outcome(found)
    assert in_mlflow(undisturbed) == in_mlflow(found, uri)
    return True


def test_a_server_that_is_killed_and_comes_back(program, place, server, undisturbed) -> None:
    """Killed in the middle of a run and started again: the run notices nothing, and in the end the server has everything once."""
    server.start()
    folder = place(server.uri)
    child = program.start(folder, "run", "-c", "trial.yaml")
    until(lambda: delivered(folder) >= 2, child)
    server.stop()
    until(lambda: answered(folder) >= SAMPLES - 4, child)
    server.start()
    assert 0 == child.wait(), child.text()
    assert "Traceback" not in child.text()
    finish = program.start(folder, "journal", "deliver", MLFLOW_TRACKING_URI=server.uri)
    assert 0 == finish.wait(), finish.text()
    assert same_record(undisturbed, folder, server.uri)


def test_a_server_that_is_dead_for_a_whole_run(program, place, server, undisturbed) -> None:
    """The run finishes, says how much waits, and `journal deliver` brings all of it when the server is there."""
    folder = place(server.uri)
    child = program.start(folder, "run", "-c", "trial.yaml")
    assert 0 == child.wait(), child.text()
    assert " 0 delivered" in child.text()
    assert "s3cret" not in child.text()
    run = only_run(folder)
    assert run is not None
    assert outcome(undisturbed) == outcome(run)
    assert not [path for path in run.path.iterdir() if b"s3cret" in path.read_bytes()]
    server.start()
    finish = program.start(folder, "journal", "deliver", MLFLOW_TRACKING_URI=server.uri)
    assert 0 == finish.wait(), finish.text()
    assert ", 0 waiting" in finish.text()
    assert same_record(undisturbed, folder, server.uri)


def test_a_disk_that_is_full(program, place, undisturbed) -> None:
    """The run ends with exit code 5 and says what to do; what was closed is kept, and with more room it goes on to the same record."""
    folder = place()

    def some_fragment_to_come() -> Path:
        run = only_run(folder)
        assert run is not None
        return run.fragment(run.fragments()[-1][0] + 5, opened=True)

    with small_disk(folder / "vreason-journal", some_fragment_to_come) as disk:
        child = program.start(folder, "run", "-c", "trial.yaml", "--offline", "--set", "tracking.disk_retry_timeout=0.5")
        until(lambda: answered(folder) >= 3, child)
        disk.fill()
        assert 5 == child.wait(), child.text()
        assert "No space left on device" in child.text()
        assert "--resume" in child.text()
        assert "Traceback" not in child.text()
        kept = answered(folder)
        assert 3 <= kept < SAMPLES
        disk.make_room()
        again = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto")
        assert 0 == again.wait(), again.text()
        assert f"{kept} sample(s) done before" in again.text()
        assert same_record(undisturbed, folder)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal(program, place, undisturbed, number, code) -> None:
    """SIGTERM, Ctrl-C and a terminal that is closed: the run is KILLED, in MLflow too, with its finished samples delivered first;
    continued, the record is whole.
    """
    folder = place()
    child = program.start(folder, "run", "-c", "trial.yaml")
    until(lambda: answered(folder) >= 3, child)
    child.kill(number)
    assert code == child.wait(), child.text()
    assert "Traceback" not in child.text()
    assert ", 0 waiting" in child.text()
    run = only_run(folder)
    assert run is not None
    assert "KILLED" == getattr(last_end(run), "status", None)
    assert "KILLED" == in_mlflow(run)["status"]
    assert len(finished_samples(run)) == delivered(folder) < SAMPLES
    again = program.start(folder, "run", "-c", "trial.yaml", "--resume", run.run_id)
    assert 0 == again.wait(), again.text()
    assert same_record(undisturbed, folder)


def test_a_journal_that_is_taken_away(program, place) -> None:
    """Somebody deletes its folder: exit code 5, what is lost is said once, and the run in MLflow is FAILED with the reason."""
    folder = place()
    child = program.start(folder, "run", "-c", "trial.yaml", "--set", "tracking.disk_retry_timeout=1")
    until(lambda: delivered(folder) >= 2, child)
    shutil.rmtree(folder / "vreason-journal")
    assert 5 == child.wait(), child.text()
    assert "Traceback" not in child.text()
    assert 1 == child.text().count("error: ")
    assert "the journal is gone (" in child.text()
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    (run,) = client.search_runs(["1"], "tags.`vreason.kind` = 'variant'")
    assert "FAILED" == run.info.status
    assert f"its journal {folder}/vreason-journal/" in run.data.tags["error"]
    assert "had been delivered before" in run.data.tags["error"]


def test_a_clock_that_jumps_back(program, place, undisturbed) -> None:
    """An hour back in the middle of a run: no time goes backwards, no duration is negative, the record is the same."""
    folder = place()
    child = program.start(folder, "run", "-c", "trial.yaml", clock_jumps=True)
    assert 0 == child.wait(), child.text()
    run = only_run(folder)
    assert run is not None
    times = [step.timestamp_ms for finished in finished_samples(run) for step in finished.steps]
    assert sorted(times) == times
    assert min(finished.sample.generation_ms or 0.0 for finished in finished_samples(run)) > 0
    assert same_record(undisturbed, folder)


def test_flipped_bits(program, place, undisturbed) -> None:
    """A bit flipped in a step of a run that was killed: verify names token and sample, exit code 1; continued, only that sample is asked
    again.
    """
    folder = place()
    child = program.start(folder, "run", "-c", "trial.yaml", "--offline")
    until(lambda: answered(folder) >= 4, child)
    child.kill()
    child.wait()
    run = only_run(folder)
    assert run is not None
    done = finished_samples(run)
    victim = done[1].sample.sample_id
    path = next(path for _, path in run.fragments() if f'"step","{victim}",7,'.encode() in path.read_bytes())
    data = bytearray(path.read_bytes())
    data[data.index(f'"step","{victim}",7,'.encode()) + 30] ^= 1
    path.write_bytes(data)
    verified = program.start(folder, "journal", "verify")
    assert 1 == verified.wait()
    assert f"token 7 of sample '{victim}'" in verified.text()
    again = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto")
    assert 0 == again.wait(), again.text()
    assert f"{len(done) - 1} sample(s) done before" in again.text()
    record = outcome(run)
    assert outcome(undisturbed) == record
    assert [damage.file for damage in verify(run).damages] == [path.name]


def test_a_delivering_process_that_is_killed(program, place, undisturbed) -> None:
    """kill -9 of the delivering process, in the middle of its work, three times: another takes over; nothing is missing or doubled."""
    folder = place()
    child = program.start(folder, "run", "-c", "trial.yaml")
    for least in (1, 3, 5):
        until(lambda least=least: delivered(folder) >= least, child)  # type: ignore[misc]
        (worker,) = _workers(child)
        os.kill(worker.pid, signal.SIGKILL)
    assert 0 == child.wait(), child.text()
    assert ", 0 waiting" in child.text()
    assert same_record(undisturbed, folder)


def _workers(child: Child) -> list[psutil.Process]:
    try:
        below = psutil.Process(child.pid).children()
        return [process for process in below if any("delivery.worker" in part for part in process.cmdline())]
    except psutil.NoSuchProcess:
        return []
