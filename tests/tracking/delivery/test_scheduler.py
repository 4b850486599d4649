"""vreason_tracking.delivery.scheduler: several runs into one store, one that is unavailable, one that refuses. In this process, into a
database.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import readback, records, trials
from tests.helpers.faulty_store import faulty
from tests.helpers.readback import Deliveries, nested
from vreason_tracking.delivery import scheduler as rounds_module
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.journal.lease import Lease
from vreason_tracking.stores.mlflow_store import MlflowStore

pytestmark = pytest.mark.usefixtures("quick_pictures")


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


def marks(folder):
    return read_delivered(folder.delivery_log)


def begun(journal, *, samples=("s-1",), **changes):
    """A run that goes on: its recorder."""
    recorder = readback.recorder_of(journal, **changes)
    for name in samples:
        say_more(recorder, name)
    return recorder


def say_more(recorder, name, length=4) -> None:
    """Another sample, which is on disk when this returns."""
    reply = records.steps(name, length)
    recorder.on_steps(reply)
    before = len(recorder.folder.fragments())
    recorder.on_sample(records.sample(name, reply))
    while len(recorder.folder.fragments()) == before:
        time.sleep(0.002)


def turns(deliveries, seconds=1.0, until=lambda: False) -> None:
    """Rounds for so long, or until something is reached."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        deliveries.rounds.run_once()
        time.sleep(0.005)


def test_several_runs(tracking_uri, journal) -> None:
    """Each arrives whole, in its own experiment, and nothing need be said."""
    folders = [readback.recorded(journal, experiment=name) for name in ("one", "two", "two")]
    assert [] == readback.carry(tracking_uri, *folders)
    assert ["FINISHED"] * 3 == [marks(folder).status for folder in folders]
    experiments = [marks(folder).experiment_id for folder in folders]
    assert (experiments[1], 2) == (experiments[2], len(set(experiments)))
    assert {3} == {len(marks(folder).samples) for folder in folders}


def test_everybody_gets_a_turn(tracking_uri, journal, monkeypatch) -> None:
    """A long run does not keep a short one waiting until its end."""
    monkeypatch.setattr(rounds_module, "TURN", 0.0)
    long, short = readback.recorded(journal, {f"s-{number}": 2 for number in range(40)}), readback.recorded(journal)
    with Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(long)
        deliveries.rounds.add(short)
        while marks(short).status is None:
            deliveries.rounds.run_once()
        assert len(marks(long).samples) < 40
        deliveries.carry()
    assert 40 == len(marks(long).samples)


def test_a_run_that_goes_on(tracking_uri, journal, client, monkeypatch) -> None:
    """What comes later is delivered later; its own series do not wait for ever for company."""
    monkeypatch.setattr(rounds_module, "BATCH_WAIT", 0.05)
    recorder = begun(journal)
    with Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(recorder.folder)
        turns(deliveries, 0.5)
        run_id = marks(recorder.folder).run_id
        assert [1] == [step for step, _, _ in readback.series(client, run_id, "live/accuracy")]
        say_more(recorder, "s-2")
        assert [recorder.folder] == deliveries.rounds.unfinished()
        recorder.finish("FINISHED")
        deliveries.carry()
        assert [] == deliveries.rounds.unfinished()
    assert {"s-1", "s-2"} == set(nested(client, run_id))


def test_nothing_to_do_is_waited_for(tracking_uri, journal) -> None:
    """Where there is nothing to do the caller is told for how long."""
    recorder = begun(journal)
    with Deliveries(tracking_uri) as deliveries:
        assert deliveries.rounds.run_once() > 0
        deliveries.rounds.add(recorder.folder)
        turns(deliveries, 0.3)
        assert 0 < deliveries.rounds.run_once() < 1
    recorder.finish("FINISHED")


@pytest.mark.parametrize("refuses", ["the run was deleted", "the experiment was deleted", "the run is gone"])
def test_what_is_refused(tracking_uri, journal, client, tmp_path, refuses) -> None:
    """A run that the store refuses for good is rejected with the reason, and told of once; others go on."""
    recorder, other = begun(journal), readback.recorded(journal, experiment="other")
    with Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(recorder.folder)
        turns(deliveries, until=lambda: marks(recorder.folder).samples)
        run_id = marks(recorder.folder).run_id
        if refuses == "the run was deleted":
            client.delete_run(run_id)
        elif refuses == "the experiment was deleted":
            client.delete_experiment(marks(recorder.folder).experiment_id)
        else:
            _take_out(tmp_path / "mlflow.db", run_id)
        recorder.on_sample(records.sample("s-2", score=0.0))
        recorder.finish("FINISHED")
        deliveries.carry(other)
        said = deliveries.said
    assert [("rejected", recorder.folder.run_id)] == [(state, run) for state, _, run in said]
    assert said[0][1] == marks(recorder.folder).rejected
    assert "delete" in said[0][1] or run_id in said[0][1]
    assert "FINISHED" == marks(other).status


def _take_out(database: Path, run_id: str) -> None:
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE run_uuid = ?", [run_id])


def test_a_refused_run_is_freed_by_delivering_it(tracking_uri, journal, client) -> None:
    """Once the cause is fixed, the next delivery takes it up where it was and forgets that it was rejected."""
    recorder = begun(journal)
    readback.deliver(recorder.folder, MlflowStore(tracking_uri, "trial"))
    run_id = marks(recorder.folder).run_id
    client.delete_run(run_id)
    recorder.on_sample(records.sample("s-2"))
    recorder.finish("FINISHED")
    assert ["rejected"] == [state for state, _, _ in readback.carry(tracking_uri, recorder.folder)]
    client.restore_run(run_id)
    assert [] == readback.carry(tracking_uri, recorder.folder)
    assert (None, "FINISHED", run_id) == (marks(recorder.folder).rejected, marks(recorder.folder).status, marks(recorder.folder).run_id)
    assert {"s-1", "s-2"} == set(nested(client, run_id))


def test_freed_although_the_store_was_away_at_first(tracking_uri, journal, client) -> None:
    """The mark goes as soon as the run is taken up again, however many attempts that takes."""
    folder = readback.recorded(journal)
    readback.deliver(folder, MlflowStore(tracking_uri, "trial"))
    log = RunDelivery(folder, MlflowStore(tracking_uri, "trial"))
    log.log.rejected("fixed since")
    log.close()
    store = MlflowStore(tracking_uri, "trial")
    faulty(store, lambda number, name: "before" if number == 1 else None)
    with Deliveries(tracking_uri, lambda name: store) as deliveries:
        deliveries.rounds.add(folder)
        turns(deliveries, 5.0, until=lambda: not deliveries.rounds.unfinished())
    assert marks(folder).rejected is None


def test_a_refused_run_is_nobodys(tracking_uri, journal, client) -> None:
    """Whoever fixes the cause can deliver it at once, while the process that rejected it still carries others."""
    recorder = begun(journal)
    with Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(recorder.folder)
        turns(deliveries, until=lambda: marks(recorder.folder).samples)
        client.delete_run(marks(recorder.folder).run_id)
        recorder.finish("FINISHED")
        deliveries.carry()
        assert ["rejected"] == deliveries.states()
        client.restore_run(marks(recorder.folder).run_id)
        assert "FINISHED" == readback.deliver(recorder.folder, MlflowStore(tracking_uri, "trial")).status


def test_a_store_that_does_not_hold_it(tracking_uri, journal, tmp_path, mlflow_template) -> None:
    """A run whose beginning another store has is not delivered here: it is told what to do, the other one keeps what it has."""
    recorder = begun(journal)
    readback.deliver(recorder.folder, MlflowStore(tracking_uri, "trial"))
    recorder.finish("FINISHED")
    (tmp_path / "other").mkdir()
    other = trials.copy_store(mlflow_template, tmp_path / "other")
    said = readback.carry(other, recorder.folder)
    assert [("rejected", recorder.folder.run_id)] == [(state, run) for state, _, run in said]
    assert "name the right one with --tracking-uri" in said[0][1]
    assert [] == readback.carry(tracking_uri, recorder.folder)
    assert (None, "FINISHED") == (marks(recorder.folder).rejected, marks(recorder.folder).status)


def test_a_damaged_manifest(tracking_uri, journal) -> None:
    """It is told with its file, and the others are delivered."""
    broken, good = readback.recorded(journal), readback.recorded(journal)
    (broken.path / "run.json").write_text("{")
    fresh = type(broken)(broken.path)
    with Deliveries(tracking_uri) as deliveries:
        deliveries.carry(fresh, good)
    assert [("rejected", broken.run_id)] == [(state, run) for state, _, run in deliveries.said]
    assert "run.json" in deliveries.said[0][1]
    assert "FINISHED" == marks(good).status


def test_artifacts_that_cannot_be_written(tracking_uri, journal, client, tmp_path) -> None:
    """An experiment whose artifacts lie where nobody can write is a refusal, not a store that is unavailable: others go on."""
    (tmp_path / "a file").write_text("no folder")
    client.create_experiment("sealed", artifact_location=f"file://{tmp_path}/a%20file/artifacts")
    sealed, good = readback.recorded(journal, experiment="sealed"), readback.recorded(journal, experiment="good")
    with Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(sealed)
        deliveries.rounds.add(good)
        turns(deliveries, 3.0, until=lambda: not deliveries.rounds.unfinished())
    assert "FINISHED" == marks(good).status
    assert marks(sealed).rejected is not None


def test_somebody_else_delivers_it(tracking_uri, journal) -> None:
    """A run that another process delivers is left to it, and taken over when that lets go; the store is not taken for away."""
    folder, other = readback.recorded(journal), readback.recorded(journal)
    with Deliveries(tracking_uri) as deliveries:
        with Lease(folder.delivery_lease):
            deliveries.rounds.add(folder)
            deliveries.rounds.add(other)
            turns(deliveries, 5.0, until=lambda: marks(other).status)
            assert [folder] == deliveries.rounds.unfinished()
        deliveries.carry()
        assert [] == deliveries.said
    assert "FINISHED" == marks(folder).status
