"""vreason_tracking.delivery.worker: what the delivering process does with what it is told. In this process, but for its signals and its
visibility.
"""

from __future__ import annotations

import json
import queue
import threading
import time

import pytest

from tests.helpers import readback, records
from tests.helpers.readback import nested
from vreason.clock import unix_ms
from vreason_tracking.delivery import worker as worker_module
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.delivery.worker import Worker
from vreason_tracking.journal.lease import Lease
from vreason_tracking.journal.reader import last_end
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def said(capsys):
    """What was told so far, line by line."""
    words: list[dict] = []

    def read():
        words.extend(json.loads(line) for line in capsys.readouterr().out.splitlines())
        return words

    return read


def begin(uri, journal, *lines, gone=True) -> tuple[Worker, queue.SimpleQueue]:
    """A worker that has been told these lines, and, when its run is gone, their end."""
    told: queue.SimpleQueue = queue.SimpleQueue()
    for line in ({"uri": uri, "experiment": "trial", "root": str(journal)}, *lines, *([None] if gone else [])):
        told.put(line)
    return Worker(told), told


def work(uri, journal, *lines) -> int:
    """All of a worker's life."""
    worker, _ = begin(uri, journal, *lines)
    try:
        return worker.run()
    finally:
        worker.close()


def own(folder) -> dict[str, str]:
    return {"deliver": str(folder.path)}


def waiting(folder) -> dict[str, str]:
    return {"waiting": str(folder.path)}


def marks(folder):
    return read_delivered(folder.delivery_log)


def test_it_delivers_and_goes(tracking_uri, journal, said) -> None:
    """Runs of its own process and those that waited; when nothing is left and its run is gone, it ends."""
    mine, earlier = readback.recorded(journal), readback.recorded(journal, status="KILLED")
    assert 0 == work(tracking_uri, journal, own(mine), waiting(earlier))
    assert ["FINISHED", "KILLED"] == [marks(folder).status for folder in (mine, earlier)]
    assert [{"state": "ready", "reason": "", "run": ""}] == said()


def test_nothing_to_deliver(tracking_uri, journal, said) -> None:
    """A run that ended before it had a variant, such as one whose model is not there, leaves an empty store and no process."""
    assert 0 == work(tracking_uri, journal)
    assert ["ready"] == [word["state"] for word in said()]


@pytest.mark.parametrize("uri", ["sqlite:///text.db", "gopher://me:s3cret@localhost", "sqlite:////dev/null/mlflow.db"])
def test_a_store_that_is_none(tracking_uri, tmp_path, journal, said, uri) -> None:
    """It is told why, without a password, and ends with an exit code that asks for no successor; nothing is lost."""
    (tmp_path / "text.db").write_text("dear diary, " * 100)
    folder = readback.recorded(journal)
    assert 5 == work(uri, journal, own(folder))
    (word,) = said()
    assert "refused" == word["state"]
    assert "s3cret" not in word["reason"]
    assert uri.split("://")[0] in word["reason"] or "text.db" in word["reason"]
    assert not folder.delivery_log.exists()


def test_a_run_that_is_kept(tracking_uri, client, journal, said) -> None:
    """Nothing is sent of it; that somebody has deleted it in MLflow is said, with what brings it back."""
    folder, other = readback.recorded(journal), readback.recorded(journal)
    assert 0 == work(tracking_uri, journal, own(folder), own(other))
    client.delete_run(marks(folder).run_id)
    before = (journal.parent / "mlflow.db").stat().st_mtime_ns
    assert 0 == work(tracking_uri, journal, {"kept": str(folder.path)}, {"kept": str(other.path)})
    (word,) = [word for word in said() if word["state"] == "deleted"]
    assert folder.run_id == word["run"]
    assert f"`vreason-track runs restore {folder.run_id}` brings it back" in word["reason"]
    assert before == (journal.parent / "mlflow.db").stat().st_mtime_ns


def test_a_run_that_died_is_killed_in_mlflow(tracking_uri, client, journal) -> None:
    """Its process died abruptly: what it closed is delivered, and it says KILLED with the reason."""
    recorder = readback.recorder_of(journal)
    readback.answer(recorder, {"s-1": 4})
    recorder._writer.close()
    recorder._lease.release()
    assert 0 == work(tracking_uri, journal, own(recorder.folder))
    run = client.get_run(marks(recorder.folder).run_id)
    assert "KILLED" == run.info.status
    assert "died abruptly" in run.data.tags["error"]
    assert {"s-1"} == set(nested(client, run.info.run_id))


def test_a_run_of_somebody_else_is_not_buried(tracking_uri, journal, monkeypatch) -> None:
    """A run that waits from an earlier process may have been taken up by another one since: that it has no end is its own affair."""
    monkeypatch.setattr(worker_module, "GRACE", 0.5)
    recorder = readback.recorder_of(journal)
    readback.answer(recorder, {"s-1": 4})
    assert 0 == work(tracking_uri, journal, waiting(recorder.folder))
    assert last_end(recorder.folder) is None
    assert "RUNNING" == MlflowStore(tracking_uri, "trial").client.get_run(marks(recorder.folder).run_id).info.status
    recorder.finish("FINISHED")


def test_taken_over_by_another_process(tracking_uri, journal, monkeypatch) -> None:
    """A run that was continued by another process right after its own had died is left to that one's delivery, at once."""
    monkeypatch.setattr(worker_module, "GRACE", 30.0)
    recorder = readback.recorder_of(journal)
    readback.answer(recorder, {"s-1": 4})
    start = time.monotonic()
    assert 0 == work(tracking_uri, journal, own(recorder.folder))
    assert time.monotonic() - start < 15
    Lease(recorder.folder.delivery_lease).release()
    recorder.finish("FINISHED")


def test_beside_a_run(tracking_uri, client, journal, monkeypatch, said) -> None:
    """While its run goes on it stays, delivers what comes, and says every few seconds that the run lives; then it ends by itself."""
    monkeypatch.setattr(worker_module, "HEARTBEAT", 0.1)
    recorder = readback.recorder_of(journal)
    readback.answer(recorder, {"s-1": 4})
    worker, told = begin(tracking_uri, journal, own(recorder.folder), gone=False)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        _until(lambda: "s-1" in marks(recorder.folder).samples)
        run_id = marks(recorder.folder).run_id
        _until(lambda: "vreason.heartbeat" in client.get_run(run_id).data.tags)
        first = int(client.get_run(run_id).data.tags["vreason.heartbeat"])
        assert abs(unix_ms() - first) < 10_000
        _until(lambda: int(client.get_run(run_id).data.tags["vreason.heartbeat"]) > first)
        readback.answer(recorder, {"s-2": 4})
        recorder.finish("FINISHED")
        _until(lambda: marks(recorder.folder).status == "FINISHED")
        assert thread.is_alive()
    finally:
        told.put(None)
        thread.join(30)
        worker.close()
    assert not thread.is_alive()
    assert ["ready"] == [word["state"] for word in said()]


def _until(true, seconds=30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_store_that_is_away_all_the_time(journal, tmp_path, monkeypatch, said) -> None:
    """When its run is gone it waits for a while, not for ever; its run is closed, and waits in the journal."""
    monkeypatch.setattr(worker_module, "GRACE", 1.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.chdir(tmp_path)
    recorder = readback.recorder_of(journal)
    recorder._writer.close()
    recorder._lease.release()
    start = time.monotonic()
    assert 0 == work("http://me:s3cret@127.0.0.1:1", journal, own(recorder.folder))
    assert time.monotonic() - start < 20
    (word,) = said()
    assert "unavailable" == word["state"]
    assert "s3cret" not in word["reason"]
    assert "KILLED" == last_end(recorder.folder).status


def test_silent_runs_of_other_machines(tracking_uri, client, journal) -> None:
    """Who comes by marks them KILLED; a fault with that is nobody's fault."""
    store = MlflowStore(tracking_uri, "trial")
    silent = store.start_run("v-reason", {"vreason.kind": "variant", "vreason.heartbeat": "7200000"}, started_ms=3_600_000)
    store.start_run("odd", {"vreason.kind": "variant", "vreason.heartbeat": "yesterday"}, started_ms=3_700_000)
    folder = readback.recorded(journal)
    assert 0 == work(tracking_uri, journal, own(folder))
    assert ("KILLED", 7_200_000) == (client.get_run(silent).info.status, client.get_run(silent).info.end_time)
    assert "FINISHED" == marks(folder).status


def test_refused_runs_are_told(tracking_uri, client, journal, said) -> None:
    """With the run's name in the journal and the reason; the process still ends well."""
    folder = readback.recorded(journal)
    store = MlflowStore(tracking_uri, "trial")
    readback.deliver(folder, store)
    client.delete_run(marks(folder).run_id)
    recorder = RunRecorder(folder)
    recorder.on_sample(records.sample("s-9"))
    recorder.finish("FINISHED")
    assert 0 == work(tracking_uri, journal, own(folder))
    assert [("ready", ""), ("rejected", folder.run_id)] == [(word["state"], word["run"]) for word in said()]
