"""vreason_tracking.delivery.background: the delivering process, seen from the run. Real processes."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.helpers import readback, records
from tests.helpers.ports import free_port
from tests.helpers.tracking_server import TrackingServer
from vreason.errors import TrackingError
from vreason_tracking.delivery import background
from vreason_tracking.delivery.background import BackgroundDelivery
from vreason_tracking.delivery.checkpoint import read_delivered

pytestmark = pytest.mark.slow
DEAD = "http://me:s3cret@127.0.0.1:1"


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Starts deliveries, and ends them whatever happens."""
    monkeypatch.chdir(tmp_path)
    made = []

    def begin(uri) -> tuple[BackgroundDelivery, list[str]]:
        notices: list[str] = []
        made.append(BackgroundDelivery(uri, "trial", tmp_path / "journal", notices.append))
        return made[-1], notices

    yield begin
    for delivery in made:
        delivery.finish(0.0)


def marks(folder):
    return read_delivered(folder.delivery_log)


def _until(true, seconds=60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def content(uri, folder) -> dict:
    """What the database holds of the run, but for the time at which its session ended and its name in the journal."""
    found = readback.content(Path(uri.removeprefix("sqlite:///")), marks(folder).experiment_id, ["vreason.run_id", "vreason.heartbeat"])
    (run,) = found["v-reason"]
    end = run["info"][2]
    run["info"][2] = None
    run["points"] = sorted((key, step, 0 if stamp == end else stamp, *rest) for key, step, stamp, *rest in run["points"])
    return found


def test_a_run_beside_it(begun, tracking_uri, tmp_path) -> None:
    """The store is opened, samples arrive while the run goes on, at the end everything is there and no process is left."""
    recorder = readback.recorder_of(tmp_path / "journal")
    delivery, notices = begun(tracking_uri)
    delivery.require_store()
    assert "ready" == delivery.state
    delivery.deliver(recorder.folder)
    readback.answer(recorder)
    _until(lambda: len(marks(recorder.folder).samples) == 3)
    recorder.on_device(records.device("host"))
    recorder.on_device(records.device("gpu.0"))
    recorder.finish("FINISHED")
    delivery.finish()
    assert ("FINISHED", []) == (marks(recorder.folder).status, notices)
    assert delivery._process.poll() == 0
    delivery.finish()  # a second time does nothing
    other = readback.recorded(tmp_path / "other", experiment="other")
    readback.carry(tracking_uri, other)
    assert content(tracking_uri, other) == content(tracking_uri, recorder.folder)


def test_a_dead_server(begun, tmp_path) -> None:
    """The run's side waits for none of it: not to begin, not to tell, not to record; only the end waits, for a few seconds."""
    delivery, notices = begun(DEAD)
    start = time.monotonic()
    delivery.require_store()
    assert time.monotonic() - start < 20  # the process loads MLflow, and asks once
    recorder = readback.recorder_of(tmp_path / "journal")
    start = time.monotonic()
    delivery.deliver(recorder.folder)
    for _ in range(100):
        delivery.deliver_waiting(recorder.folder)
    told = time.monotonic() - start
    worst = 0.0
    for number in range(50):
        reply = records.steps(f"s-{number}", 100)
        for block in (reply[:50], reply[50:]):
            start = time.monotonic()
            recorder.on_steps(block)
            worst = max(worst, time.monotonic() - start)
        start = time.monotonic()
        recorder.on_sample(records.sample(f"s-{number}", reply))
        worst = max(worst, time.monotonic() - start)
    assert (True, True) == (told < 0.2, worst < 0.2)
    recorder.finish("FINISHED")
    start = time.monotonic()
    delivery.finish()
    assert time.monotonic() - start < background.STILL_UNAVAILABLE + 3
    assert ("unavailable", None) == (delivery.state, marks(recorder.folder).run_id)
    (notice,) = notices
    assert "the tracking store is unavailable" in notice
    assert "s3cret" not in notice
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_a_process_that_does_not_move(begun, tracking_uri, tmp_path) -> None:
    """One that hangs is waited for within bounds, then killed."""
    delivery, _ = begun(tracking_uri)
    delivery.require_store()
    delivery.deliver(readback.recorder_of(tmp_path / "journal").folder)
    os.kill(delivery._process.pid, signal.SIGSTOP)
    start = time.monotonic()
    delivery.finish(1.0)
    assert 0.9 < time.monotonic() - start < 30  # the wait itself is one second; a busy machine adds to it
    assert delivery._process.poll() == -signal.SIGKILL


@pytest.mark.parametrize("uri", ["sqlite:///text.db", "gopher://me:s3cret@localhost"])
def test_a_store_that_is_none(begun, tmp_path, uri) -> None:
    """A run that would record into nothing is told before it begins, and the process has gone by itself."""
    (tmp_path / "text.db").write_text("dear diary, " * 100)
    delivery, notices = begun(uri)
    with pytest.raises(TrackingError) as caught:
        delivery.require_store()
    assert "s3cret" not in str(caught.value)
    assert ([], 5) == (notices, delivery._process.wait(20))


def test_a_store_that_refuses_later(begun, tmp_path) -> None:
    """One that was unavailable at the beginning and then refuses for good: the user hears of it, not only of points that wait."""
    port = free_port()
    delivery, notices = begun(f"http://127.0.0.1:{port}")
    delivery.require_store()
    assert "unavailable" == delivery.state
    with _refusing(port):
        _until(lambda: delivery.state == "refused")
        _until(lambda: len(notices) == 2, 5)
    assert "403" in notices[-1] or "refuse" in notices[-1]


@contextmanager
def _refusing(port) -> Iterator[None]:
    """A server on this port that allows nothing."""
    server = make_server("127.0.0.1", port, Request.application(lambda request: Response("not for you", 403)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def test_killed_in_the_middle(begun, tracking_uri, tmp_path) -> None:
    """kill -9 of the process: another is told everything again, and the store's content is that of an undisturbed delivery."""
    recorder = readback.recorder_of(tmp_path / "journal")
    lengths = {f"s-{number}": 20 for number in range(30)}
    delivery, notices = begun(tracking_uri)
    delivery.deliver(recorder.folder)
    readback.answer(recorder, lengths)
    for least in (3, 12):
        _until(lambda least=least: len(marks(recorder.folder).samples) >= least)
        os.kill(delivery._process.pid, signal.SIGKILL)
        delivery._process.wait()
    recorder.finish("FINISHED")
    delivery.finish()
    assert ("FINISHED", []) == (marks(recorder.folder).status, notices)
    other = readback.recorder_of(tmp_path / "other", experiment="other")
    readback.answer(other, lengths)
    other.finish("FINISHED")
    readback.carry(tracking_uri, other.folder)
    assert content(tracking_uri, other.folder) == content(tracking_uri, recorder.folder)


def test_one_that_dies_again_and_again(begun, tracking_uri, tmp_path) -> None:
    """After three successors nobody tries any longer; the user is told once, and the run goes on without."""
    recorder = readback.recorder_of(tmp_path / "journal")
    delivery, notices = begun(tracking_uri)
    killed = set()
    while len(killed) <= background.RESTARTS:
        process = delivery._process
        if process.pid not in killed:
            process.kill()
            process.wait()
            killed.add(process.pid)
        time.sleep(0.01)
    _until(lambda: notices)
    delivery.require_store()
    delivery.deliver(recorder.folder)
    recorder.finish("FINISHED")
    start = time.monotonic()
    delivery.finish()
    assert time.monotonic() - start < 5
    assert [f"the delivering process ended {background.RESTARTS + 1} times"] == [notice.split(" (")[0] for notice in notices]


def test_deaths_with_progress_in_between(begun, tracking_uri, tmp_path, monkeypatch) -> None:
    """A long run outlives any number of deaths: each sample that arrives begins the count anew."""
    monkeypatch.setattr(background, "RESTARTS", 1)
    recorder = readback.recorder_of(tmp_path / "journal")
    delivery, notices = begun(tracking_uri)
    delivery.deliver(recorder.folder)
    for number in range(3):
        readback.answer(recorder, {f"s-{number}": 5})
        _until(lambda number=number: f"s-{number}" in marks(recorder.folder).samples)
        process = delivery._process
        process.kill()
        _until(lambda process=process: delivery._process is not process)
    recorder.finish("FINISHED")
    delivery.finish()
    assert ("FINISHED", []) == (marks(recorder.folder).status, notices)


def test_a_short_outage_at_the_end(begun, tmp_path, mlflow_template, monkeypatch) -> None:
    """A server that is away when the run ends and back a few seconds later has everything when the run leaves."""
    monkeypatch.setattr(background, "STILL_UNAVAILABLE", 60.0)  # a busy machine may take long to start the server
    (tmp_path / "server").mkdir()
    shutil.copy(mlflow_template, tmp_path / "server" / "mlflow.db")
    server = TrackingServer(tmp_path / "server")
    recorder = readback.recorder_of(tmp_path / "journal")
    try:
        server.start()
        delivery, _ = begun(server.uri)
        delivery.require_store()
        delivery.deliver(recorder.folder)
        _until(lambda: marks(recorder.folder).run_id)
        server.stop()
        readback.answer(recorder)
        _until(lambda: delivery.state == "unavailable")
        recorder.finish("FINISHED")
        back = threading.Timer(3.0, server.start)
        back.start()
        delivery.finish()
        back.join()
        assert "FINISHED" == marks(recorder.folder).status
    finally:
        server.stop()


def test_modules_of_the_users_folder(begun, tracking_uri, tmp_path) -> None:
    """A file of the user's that is called like a module of Python's, in the folder where the run is started, is not imported."""
    for name in ("queue", "random", "mlflow", "secrets"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('this is mine')")
    delivery, notices = begun(tracking_uri)
    delivery.require_store()
    assert ("ready", []) == (delivery.state, notices)


def test_signals_are_for_the_run(begun, tracking_uri, tmp_path) -> None:
    """What a terminal or a scheduler sends to everybody leaves the delivery at work."""
    recorder = readback.recorder_of(tmp_path / "journal")
    delivery, notices = begun(tracking_uri)
    delivery.deliver(recorder.folder)
    delivery.require_store()
    process = delivery._process
    assert os.getpgid(process.pid) != os.getpgid(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    readback.answer(recorder)
    recorder.finish("FINISHED")
    delivery.finish()
    assert (0, "FINISHED", []) == (process.poll(), marks(recorder.folder).status, notices)


def test_a_server_that_comes_back(begun, tmp_path, mlflow_template) -> None:
    """Killed in the middle and started again: said twice, nothing lost, nothing doubled."""
    (tmp_path / "server").mkdir()
    shutil.copy(mlflow_template, tmp_path / "server" / "mlflow.db")
    server = TrackingServer(tmp_path / "server")
    lengths = {f"s-{number}": 20 for number in range(12)}
    recorder = readback.recorder_of(tmp_path / "journal")
    try:
        server.start()
        delivery, notices = begun(server.uri)
        delivery.require_store()
        delivery.deliver(recorder.folder)
        readback.answer(recorder, dict(list(lengths.items())[:6]))
        _until(lambda: len(marks(recorder.folder).samples) >= 3)
        server.stop()
        for number, name in enumerate(list(lengths)[6:], 6):
            reply = records.steps(name, 20, start_ms=records.START_MS + 1_000 * number)
            recorder.on_steps(reply)
            recorder.on_sample(records.sample(name, reply))
        _until(lambda: delivery.state == "unavailable")
        assert "s3cret" not in " ".join([*psutil.Process(delivery._process.pid).cmdline(), *notices])
        server.start()
        _until(lambda: delivery.state == "ready")
        recorder.finish("FINISHED")
        delivery.finish()
    finally:
        server.stop()
    assert ["the tracking store is unavailable", "the tracking store is back"] == [notice.split(" (")[0] for notice in notices]
    there = readback.sample_points_in(tmp_path / "server" / "mlflow.db", marks(recorder.folder).experiment_id)
    assert ("FINISHED", set(lengths)) == (marks(recorder.folder).status, set(there))
    assert readback.journal_points(recorder.folder) == there
