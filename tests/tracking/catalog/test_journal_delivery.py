"""vreason_tracking.catalog.journal_delivery: what waits is carried to where it belongs, by a process that somebody started for it."""

from __future__ import annotations

import threading

import pytest

from tests.helpers import readback, records, run_states
from tests.helpers.ports import free_port
from tests.helpers.tracking_server import TrackingServer
from vreason_tracking.catalog.journal_delivery import JournalDelivery, consign, forget
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.lease import Lease, LeaseTakenError


@pytest.fixture(autouse=True)
def retry_timeout(monkeypatch) -> None:
    """What a store that is asked impatiently would leave in the environment is taken back."""
    for name, value in (("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"), ("MLFLOW_HTTP_REQUEST_TIMEOUT", "10"), ("PGCONNECT_TIMEOUT", "10")):
        monkeypatch.setenv(name, value)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


def carry(uri, *folders, wait=30.0):
    """Deliver these; returns what came of it, the points seen on the way, and what was said."""
    said: list[str] = []
    delivery = JournalDelivery(uri, [LocalRun(folder) for folder in folders], said.append, wait)
    try:
        points = list(delivery.advance())
    finally:
        delivery.close()
    return delivery.result, points, said


def test_several_runs(root, tracking_uri, client) -> None:
    """All of them arrive, whatever became of them, and progress never goes back."""
    folders = [run_states.finished(root, "one"), run_states.interrupted(root, {"s-1": 5}, "two"), run_states.finished(root, "three")]
    result, points, said = carry(tracking_uri, *folders)
    assert ({}, {}, None, []) == (result.refused, result.left, result.unavailable, said)
    assert ["FINISHED", "KILLED", "FINISHED"] == [client.get_run(read_delivered(each.delivery_log).run_id).info.status for each in folders]
    assert sorted(points) == points
    assert points[-1] == sum(LocalRun(folder).recorded for folder in folders)


def test_experiments_of_their_own(root, tracking_uri, client) -> None:
    """Each run goes into the experiment that it was recorded for."""
    folders = [run_states.finished(root, experiment=name) for name in ("first", "second")]
    carry(tracking_uri, *folders)
    runs = [client.get_run(read_delivered(folder.delivery_log).run_id) for folder in folders]
    assert ["first", "second"] == [client.get_experiment(run.info.experiment_id).name for run in runs]


def test_nothing_is_doubled(root, tracking_uri, store, tmp_path) -> None:
    """Delivered again with its marks forgotten, the store holds what it held before, and nothing that was deleted."""
    folder = run_states.finished(root)
    carry(tracking_uri, folder)
    before = readback.content(tmp_path / "mlflow.db", store.experiment_id)
    forget(folder)
    assert (0, True) == (LocalRun(folder).delivered, (folder.path / "delivery.1.log").exists())
    result, _, _ = carry(tracking_uri, folder)
    assert {} == result.refused
    assert before == readback.content(tmp_path / "mlflow.db", store.experiment_id)
    assert LocalRun(folder).is_delivered


def test_marks_are_kept(root, store) -> None:
    """Each time that marks are forgotten they are moved to a name of their own."""
    folder = run_states.finished(root, store=store)
    marks = folder.delivery_log.read_bytes()
    forget(folder)
    readback.deliver(folder, store)
    forget(folder)
    forget(folder)  # nothing is there to forget
    assert marks == (folder.path / "delivery.1.log").read_bytes()
    assert ["delivery.1.log", "delivery.2.log"] == sorted(path.name for path in folder.path.glob("delivery*.log"))


def test_marks_in_use(root, store) -> None:
    """They are not taken from a process that delivers."""
    folder = run_states.finished(root, store=store)
    with Lease(folder.delivery_lease), pytest.raises(LeaseTakenError):
        forget(folder)
    assert LocalRun(folder).is_delivered


def test_another_process_delivers_it(root, tracking_uri) -> None:
    """It is left to that process, which is named; the others are delivered, and nobody waits for it."""
    taken, free = run_states.finished(root), run_states.finished(root)
    with Lease(taken.delivery_lease):
        result, _, _ = carry(tracking_uri, taken, free)
    assert [taken.run_id] == list(result.left)
    assert "process " in result.left[taken.run_id]
    assert [False, True] == [LocalRun(folder).is_delivered for folder in (taken, free)]


def test_under_way(root, tracking_uri, client) -> None:
    """What is there of a run that goes on is delivered; then it is left, with who is at work on it."""
    with run_states.running(root, {"s-1": 6}) as recorder:
        result, points, _ = carry(tracking_uri, recorder.folder)
        assert "is still at work on it" in result.left[recorder.folder.run_id]
        marks = read_delivered(recorder.folder.delivery_log)
        assert ({"s-1"}, "RUNNING") == (set(marks.samples), client.get_run(marks.run_id).info.status)
        assert points[-1] == LocalRun(recorder.folder).recorded


def test_a_store_that_is_away(root) -> None:
    """After the seconds given it is given up, with a word at the beginning; nothing is lost, and the password is not shown."""
    folder = run_states.finished(root)
    result, _, said = carry(f"http://me:s3cret@127.0.0.1:{free_port()}", folder, wait=1.0)
    assert result.unavailable
    assert 1 == len(said)
    assert "is unavailable" in said[0]
    assert "trying again for 1 s" in said[0]
    assert "s3cret" not in said[0] + result.uri + result.unavailable
    assert 183 == LocalRun(folder).waiting


@pytest.mark.slow
def test_a_store_that_comes_back(root, tmp_path) -> None:
    """A server that is started meanwhile gets everything."""
    folder = run_states.finished(root)
    server = TrackingServer(tmp_path)
    starting = threading.Timer(1.0, server.start)
    starting.start()
    try:
        result, _, said = carry(server.uri, folder, wait=120.0)
    finally:
        starting.join()
        server.stop()
    assert (None, {}) == (result.unavailable, result.refused)
    assert ["is unavailable", "is back"] == [next(word for word in ("is unavailable", "is back") if word in line) for line in said]
    assert LocalRun(folder).is_delivered


def test_a_store_that_refuses(root, tracking_uri, store) -> None:
    """A run that it will not take is named with the reason; the others are delivered."""
    gone, other = run_states.interrupted(root, {"s-1": 4}, "gone"), run_states.finished(root, "other")
    readback.deliver(gone, store)
    store.client.delete_run(read_delivered(gone.delivery_log).run_id)
    run_states.continued(gone, {"s-2": 3, "s-3": 2})
    result, _, _ = carry(tracking_uri, gone, other)
    assert [gone.run_id] == list(result.refused)
    assert LocalRun(other).is_delivered
    assert LocalRun(gone).waiting > 0


def test_a_journal_that_breaks_off(root, tracking_uri) -> None:
    """Where a fragment is gone nobody waits for it: the samples that are whole are delivered."""
    folder = run_states.finished(root)
    whole = LocalRun(folder).done
    folder.fragment(2).unlink()
    result, _, _ = carry(tracking_uri, folder)
    assert {} == result.refused
    marks = read_delivered(folder.delivery_log)
    assert ("FINISHED", whole - 1) == (marks.status, len(marks.samples))


# --- what goes where ---


def test_what_is_consigned(root, tracking_uri, store) -> None:
    """Runs by address; what is delivered already is left out; what cannot be read, or has no address, is a failure that names it."""
    here = run_states.finished(root, tracking_uri=tracking_uri)
    there = run_states.finished(root, tracking_uri="sqlite:////there.db")
    hidden = run_states.finished(root, tracking_uri="http://me:***@host/")
    broken = run_states.spoil_manifest(run_states.finished(root))
    done = run_states.finished(root, store=store)
    found = consign([here, there, hidden, broken, done], None, {}, again=False)
    assert {tracking_uri: [here.run_id], "sqlite:////there.db": [there.run_id]} == {
        address: [run.run_id for run in runs] for address, runs in found.groups.items()
    }
    assert [True, True] == [name in failure for name, failure in zip((hidden.run_id, broken.run_id), found.failures, strict=True)]


def test_dead_runs_are_closed_first(root, tracking_uri) -> None:
    """So that the store hears of their end."""
    folder = run_states.killed(root, tracking_uri=tracking_uri)
    (runs,) = consign([folder], None, {}, again=False).groups.values()
    assert ("KILLED", False) == (runs[0].status, runs[0].unclosed)


def test_again(root, store) -> None:
    """Also what is delivered, with its marks forgotten, and to where it was."""
    folder = run_states.finished(root, store=store)
    found = consign([folder], None, {}, again=True)
    assert [[folder.run_id]] == [[run.run_id for run in runs] for runs in found.groups.values()]
    assert [store.uri] == list(found.groups)
    assert not folder.delivery_log.exists()


def test_again_while_another_process_delivers(root, store) -> None:
    """It is a failure that says who, and the marks stay."""
    folder = run_states.finished(root, store=store)
    with Lease(folder.delivery_lease):
        found = consign([folder], None, {}, again=True)
    assert {} == found.groups
    assert "delivers it" in found.failures[0]
    assert LocalRun(folder).is_delivered


def test_points_of_devices_count(root, tracking_uri) -> None:
    """Samples and devices are what is recorded, and all of it is delivered."""
    recorder = readback.recorder_of(root)
    recorder.on_device(records.device("host"))
    recorder.finish("FINISHED")
    _, points, _ = carry(tracking_uri, recorder.folder)
    run = LocalRun(recorder.folder)
    assert run.recorded == run.delivered == points[-1] > 0
