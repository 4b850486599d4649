"""vreason_tracking.delivery.run_delivery of a run that was interrupted and continued: one run in MLflow, whole at the end, true before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import readback, records
from tests.helpers.readback import nested, series
from vreason.errors import TrackingError
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.stores.mlflow_store import MlflowStore

pytestmark = pytest.mark.usefixtures("quick_pictures")


def begun(root, length=4):
    """A run that was killed after one sample, inside the second."""
    recorder = readback.recorder_of(root)
    readback.answer(recorder, {"s-1": length})
    recorder.on_steps(records.steps("s-2", 2, start_ms=records.START_MS + 1_000))
    recorder.finish("KILLED", "terminated (SIGTERM)")
    return recorder.folder


def continued(folder, *, status="FINISHED"):
    """The rest of it, in a second session."""
    recorder = RunRecorder(folder)
    for number, name in enumerate(("s-2", "s-3"), 1):
        reply = records.steps(name, 5, start_ms=records.START_MS + 1_000 * number)
        recorder.on_steps(reply)
        recorder.on_sample(records.sample(name, reply))
    recorder.finish(status)
    return folder


def whole(root):
    """The same samples in one go."""
    recorder = readback.recorder_of(root)
    for number, (name, length) in enumerate({"s-1": 4, "s-2": 5, "s-3": 5}.items()):
        reply = records.steps(name, length, start_ms=records.START_MS + 1_000 * number)
        recorder.on_steps(reply)
        recorder.on_sample(records.sample(name, reply))
    recorder.finish("FINISHED")
    return recorder.folder


def content(store, run_id) -> dict:
    """What MLflow holds of the run and its samples, but for when the run ended and what it is called in the journal."""
    database = Path(store.uri.removeprefix("sqlite:///"))
    found = readback.content(database, store.experiment_id, ["vreason.run_id", "vreason.sessions", "vreason.heartbeat"])
    (run,) = found["v-reason"]
    run["info"][2] = None
    (end,) = {point[2] for point in run["points"] if point[0] == "accuracy"}
    run["points"] = sorted((point[0], point[1], 0 if point[2] == end else point[2], *point[3:]) for point in run["points"])
    return found


@pytest.fixture
def uninterrupted(tracking_uri, tmp_path):
    store = MlflowStore(tracking_uri, "whole")
    return content(store, readback.deliver(whole(tmp_path / "whole"), store).run_id)


@pytest.mark.parametrize("when", ["each session", "both at once", "after the marks were lost"])
def test_a_continued_run_is_whole(store, uninterrupted, tmp_path, when) -> None:
    """However it was interrupted and delivered, MLflow holds what it would hold of one undisturbed run."""
    folder = begun(tmp_path / "journal")
    if when != "both at once":
        readback.deliver(folder, store)
    if when == "after the marks were lost":
        folder.delivery_log.unlink()
    marks = readback.deliver(continued(folder), store)
    assert (2, "FINISHED", 3) == (marks.session, marks.status, len(marks.samples))
    assert uninterrupted == content(store, marks.run_id)
    assert 5 == len([row for row in readback.rows(store.client, marks.run_id, "steps.parquet") if row["sample_id"] == "s-2"])


def test_three_sessions(store, uninterrupted, tmp_path) -> None:
    """A run may be interrupted as often as one likes."""
    folder = begun(tmp_path / "journal")
    second = RunRecorder(folder)
    second.finish("FAILED", "the model is gone")
    marks = readback.deliver(continued(folder), store)
    assert (3, "FINISHED") == (marks.session, marks.status)
    assert uninterrupted == content(store, marks.run_id)


def test_true_in_between(store, client, tmp_path) -> None:
    """KILLED with its reason after the first session, RUNNING while the second goes on, FINISHED without a reason at the end."""
    folder = begun(tmp_path / "journal")
    run_id = readback.deliver(folder, store).run_id
    run = client.get_run(run_id)
    assert ("KILLED", "terminated (SIGTERM)") == (run.info.status, run.data.tags["error"])
    recorder = RunRecorder(folder)
    recorder._writer.close()
    delivery = RunDelivery(folder, store)
    readback.go_on(delivery)
    run = client.get_run(run_id)
    assert ("RUNNING", "2", False) == (run.info.status, run.data.tags["vreason.sessions"], delivery.ended)
    delivery.close()
    recorder._lease.release()
    readback.deliver(continued(folder), store)
    run = client.get_run(run_id)
    assert ("FINISHED", False) == (run.info.status, "error" in run.data.tags)


def test_a_session_that_has_only_just_begun(store, tmp_path) -> None:
    """Whoever delivers may be quick: from the moment the second session is open, the run is not taken for ended."""
    folder = begun(tmp_path / "journal")
    readback.deliver(folder, store)
    recorder = RunRecorder(folder)
    delivery = RunDelivery(folder, store)
    readback.go_on(delivery)
    assert not delivery.ended
    delivery.close()
    recorder.finish("KILLED")


def test_a_delivered_run_that_is_read_again(store, client, tmp_path) -> None:
    """A heartbeat, meant for runs that go on, leaves a finished one finished: it is only read again."""
    folder = readback.recorded(tmp_path / "journal")
    marks = readback.deliver(folder, store)
    delivery = RunDelivery(folder, store)
    delivery.advance()
    delivery.send_heartbeat()
    readback.go_on(delivery)
    delivery.close()
    assert "FINISHED" == client.get_run(marks.run_id).info.status


def test_a_killed_run_that_is_read_again(store, client, tmp_path) -> None:
    """The same of one that was killed: reason and status stay."""
    folder = begun(tmp_path / "journal")
    marks = readback.deliver(folder, store)
    delivery = RunDelivery(folder, store)
    delivery.advance()
    delivery.send_heartbeat()
    readback.go_on(delivery)
    delivery.close()
    run = client.get_run(marks.run_id)
    assert ("KILLED", True) == (run.info.status, "error" in run.data.tags)


def test_live_series_go_on(store, client, tmp_path) -> None:
    """The figures so far count the samples of all sessions, and each step has one value."""
    folder = begun(tmp_path / "journal")
    readback.deliver(folder, store)
    marks = readback.deliver(continued(folder), store)
    assert [1, 2, 3] == [step for step, _, _ in series(client, marks.run_id, "live/accuracy")]
    assert ["0000001", "0000002", "0000003"] == sorted(run.data.tags["vreason.number"] for run in nested(client, marks.run_id).values())


def test_another_store_in_the_middle(store, tmp_path, tracking_uri) -> None:
    """A store that does not hold the run which the marks name is refused, with what to do; the one that does is not."""
    folder = begun(tmp_path / "journal")
    run_id = readback.deliver(folder, store).run_id
    delivery = RunDelivery(folder, store)
    delivery.run.require_present()
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE run_uuid = ?", [run_id])
    with pytest.raises(
        TrackingError, match=f"{run_id}, which this store does not hold .another store, or purged.*: name the right one with --tracking-uri"
    ):
        delivery.run.require_present()
    delivery.close()
