"""vreason_cli.commands.journal.deliver: `vreason-track journal deliver`."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.helpers import readback, run_states
from tests.helpers.ports import free_port
from tests.helpers.waiting import wait_until
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.lease import Lease
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def store(tracking_uri):
    return MlflowStore(tracking_uri, "trial")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "vreason-journal"


def last(outcome):
    return outcome.out.splitlines()[-1]


def test_what_waits(program, root, tracking_uri, store, client_of) -> None:
    """Offline, interrupted and dead runs arrive, each to where it was recorded for, and the last line tells of all points."""
    offline = run_states.finished(root, "offline", mode="offline", tracking_uri=tracking_uri)
    cut = run_states.interrupted(root, {"s-1": 4}, "cut", tracking_uri=tracking_uri)
    dead = run_states.killed(root, "dead", tracking_uri=tracking_uri)
    done = run_states.finished(root, "done", store, tracking_uri=tracking_uri)
    outcome = program("journal", "deliver")
    assert (0, "") == (outcome.code, outcome.err)
    assert f"3 run(s) to {tracking_uri}\n" in outcome.out
    assert f"  {offline.run_id} (offline): 183 points, FINISHED, as {read_delivered(offline.delivery_log).run_id}\n" in outcome.out
    assert f"  {dead.run_id} (dead): 166 points, KILLED, as " in outcome.out
    assert done.run_id not in outcome.out
    whole = sum(LocalRun(folder).recorded for folder in (offline, cut, dead, done))
    assert f"{whole:,} points recorded, {whole:,} delivered, 0 waiting" == last(outcome)
    assert {"offline": "FINISHED", "cut": "KILLED", "dead": "KILLED", "done": "FINISHED"} == client_of(store)


@pytest.fixture
def client_of():
    """Status of every variant's run of a store."""
    return lambda store: {
        run.info.run_name: run.info.status for run in store.all_runs("tags.`vreason.kind` = 'variant'", "attributes.start_time ASC")
    }


def test_a_second_time(program, root, tracking_uri, store) -> None:
    """There is nothing left to do."""
    run_states.finished(root, tracking_uri=tracking_uri)
    program("journal", "deliver")
    outcome = program("journal", "deliver")
    assert (0, "183 points recorded, 183 delivered, 0 waiting\n") == (outcome.code, outcome.out)


def test_those_named(program, root, tracking_uri, store, client_of) -> None:
    """The others are left, and not counted."""
    folder = run_states.finished(root, "one", tracking_uri=tracking_uri)
    other = run_states.finished(root, "other", tracking_uri=tracking_uri)
    assert "183 points recorded, 183 delivered, 0 waiting" == last(program("journal", "deliver", "one"))
    assert ({"one": "FINISHED"}, 183) == (client_of(store), LocalRun(other).waiting)
    assert LocalRun(folder).is_delivered


def test_to_another_place(program, root, tmp_path, store) -> None:
    """--tracking-uri names it, whatever was recorded."""
    folder = run_states.finished(root, tracking_uri="http://gone.invalid/")
    other = f"sqlite:///{tmp_path}/other.db"
    assert 0 == program("journal", "deliver", "--tracking-uri", other).code
    assert other == read_delivered(folder.delivery_log).uri


def test_again(program, root, tracking_uri, store, tmp_path) -> None:
    """Everything is sent anew, the store holds the same as before, and nothing twice."""
    folder = run_states.finished(root, tracking_uri=tracking_uri)
    program("journal", "deliver")
    before = readback.content(tmp_path / "mlflow.db", store.experiment_id)
    outcome = program("journal", "deliver", "--again")
    assert (0, True) == (outcome.code, f"1 run(s) to {tracking_uri}" in outcome.out)
    assert before == readback.content(tmp_path / "mlflow.db", store.experiment_id)
    assert (folder.path / "delivery.1.log").exists()


def test_to_a_store_that_was_lost(program, root, tracking_uri, store, tmp_path, client_of) -> None:
    """What stood in it is there again."""
    run_states.finished(root, tracking_uri=tracking_uri)
    program("journal", "deliver")
    new = f"sqlite:///{tmp_path}/new.db"
    outcome = program("journal", "deliver", "--again", "--tracking-uri", new)
    assert 0 == outcome.code
    assert {"v-reason": "FINISHED"} == client_of(MlflowStore(new, "trial"))


def test_refused_before(program, root, tracking_uri, store) -> None:
    """What the store has refused is tried again."""
    folder = run_states.rejected(root, tracking_uri=tracking_uri)
    assert 0 == program("journal", "deliver").code
    assert LocalRun(folder).is_delivered


def test_refused_again(program, root, tracking_uri, store, tmp_path) -> None:
    """A run that was begun elsewhere is not sent here: exit code 5, with the reason and what to do, after all others were delivered."""
    begun = run_states.interrupted(root, {"s-1": 4}, "begun", tracking_uri=tracking_uri)
    readback.deliver(begun, MlflowStore(f"sqlite:///{tmp_path}/first.db", "trial"))
    run_states.continued(begun, {"s-2": 3, "s-3": 2})
    other = run_states.finished(root, "other", tracking_uri=tracking_uri)
    outcome = program("journal", "deliver", "--tracking-uri", tracking_uri)
    assert 5 == outcome.code
    assert f"  {begun.run_id} (begun): refused: run {begun.run_id} was delivered to sqlite:" in outcome.out
    assert f"error: {tracking_uri} does not take run {begun.run_id}: " in outcome.err
    assert "the journal keeps everything; `vreason-track journal deliver` goes on from there" in outcome.err
    assert LocalRun(other).is_delivered
    run = LocalRun(begun)
    assert f"{run.recorded + 183} points recorded, {run.delivered + 183} delivered, {run.waiting} waiting" == last(outcome)


def test_the_store_is_away(program, root) -> None:
    """It is tried for so many seconds; then exit code 5, what waits, and no password."""
    run_states.finished(root, tracking_uri="http://me:***@127.0.0.1/")
    outcome = program("journal", "deliver", "--journal", root, "--tracking-uri", f"http://me:s3cret@127.0.0.1:{free_port()}", "--wait", "1")
    assert 5 == outcome.code
    assert "183 points recorded, 0 delivered, 183 waiting" == last(outcome)
    assert "is unavailable" in outcome.err
    assert "s3cret" not in outcome.out + outcome.err
    assert "Traceback" not in outcome.err


def test_a_password_that_nobody_kept(program, root, tracking_uri, store) -> None:
    """The message says how to give it; runs without one are delivered."""
    hidden = run_states.finished(root, "hidden", tracking_uri="http://me:***@host/")
    run_states.finished(root, "open", tracking_uri=tracking_uri)
    outcome = program("journal", "deliver")
    assert 5 == outcome.code
    assert f"error: run {hidden.run_id}: was recorded for http://me:***@host/, and the journal keeps no password; give the" in outcome.err
    assert "366 points recorded, 183 delivered, 183 waiting" == last(outcome)


def test_another_process_delivers_it(program, root, tracking_uri, store) -> None:
    """It is named and left; that is no error."""
    folder = run_states.finished(root, tracking_uri=tracking_uri)
    with Lease(folder.delivery_lease):
        outcome = program("journal", "deliver")
    assert 0 == outcome.code
    assert f"  {folder.run_id} (v-reason): left: process {os.getpid()} on " in outcome.out
    assert "183 points recorded, 0 delivered, 183 waiting" == last(outcome)


def test_a_damaged_run(program, root, tracking_uri, store) -> None:
    """It is named with what to do, and the others are delivered."""
    run_states.spoil_manifest(run_states.finished(root, tracking_uri=tracking_uri))
    other = run_states.finished(root, tracking_uri=tracking_uri)
    outcome = program("journal", "deliver")
    assert 5 == outcome.code
    assert "run.json: is not the manifest of a run" in outcome.err
    assert LocalRun(other).is_delivered


def test_ctrl_c(root, tmp_path) -> None:
    """Exit code 130, the truth about the points, one word, and nothing in use any more."""
    folder = run_states.finished(root, tracking_uri=f"http://127.0.0.1:{free_port()}")
    command = [sys.executable, "-c", "from vreason_cli.main import main; main()", "journal", "deliver", "--wait", "100"]
    with open(tmp_path / "err", "w") as err:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            cwd=tmp_path,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it, and hand that down
        )
        assert wait_until(lambda: "is unavailable" in (tmp_path / "err").read_text())
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert 130 == process.returncode
    assert "183 points recorded, 0 delivered, 183 waiting" == out.splitlines()[-1]
    assert "interrupted" == (tmp_path / "err").read_text().splitlines()[-1]
    assert "Traceback" not in (tmp_path / "err").read_text()
    Lease(folder.delivery_lease).release()


def test_on_a_terminal(program, root, tracking_uri, store, terminal) -> None:
    """A bar goes to the terminal, the results to the output, as elsewhere."""
    run_states.finished(root, tracking_uri=tracking_uri)
    outcome = program("journal", "deliver")
    assert 0 == outcome.code
    assert "points" in outcome.err
    assert "183 points recorded, 183 delivered, 0 waiting" == last(outcome)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["nothing"], 5, "no run 'nothing'"),
        (["--wait", "-1"], 2, "--wait"),
        (["--wait", "long"], 2, "--wait"),
        (["--journal", "none"], 2, "none is not there"),
    ],
)
def test_what_is_wrong(program, root, tracking_uri, arguments, code, text) -> None:
    """A message and the exit code, before anything is sent."""
    run_states.finished(root, tracking_uri=tracking_uri)
    outcome = program("journal", "deliver", *arguments)
    assert (code, "") == (outcome.code, outcome.out)
    assert text in outcome.err


def test_an_empty_journal(program, tmp_path, monkeypatch) -> None:
    """There is nothing to do, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    outcome = program("journal", "deliver")
    assert (0, "0 points recorded, 0 delivered, 0 waiting\n", []) == (outcome.code, outcome.out, list(tmp_path.iterdir()))


@pytest.mark.parametrize("purged", [False, True])
def test_deleted_in_the_store(program, root, tracking_uri, store, purged) -> None:
    """A delivered run that MLflow no longer has is not passed over: what helps is said, with exit code 5, and it helps."""
    folder = run_states.finished(root, store=store, tracking_uri=tracking_uri)
    run_id = read_delivered(folder.delivery_log).run_id
    store.client.delete_run(run_id)
    if purged:
        with closing(sqlite3.connect(tracking_uri.removeprefix("sqlite:///"))) as connection, connection:
            for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
                connection.execute(f"DELETE FROM {table} WHERE run_uuid = ?", [run_id])
    outcome = program("journal", "deliver")
    assert 5 == outcome.code
    assert ("which the store no longer holds (purged" if purged else "was deleted in MLflow") in outcome.err
    assert f"`vreason-track journal deliver --again {folder.run_id}` delivers it anew" in outcome.err
    assert 0 == program("journal", "deliver", "--again", folder.run_id).code
    assert "active" == store.state_of(read_delivered(folder.delivery_log).run_id)
    assert 0 == program("journal", "deliver").code


def test_values_that_the_store_does_not_take(program, root, tracking_uri, store) -> None:
    """The run is closed, what was left out is counted and named, and the exit code tells."""
    folder = run_states.finished(root, tracking_uri=tracking_uri, params={"a//b": 1, "seed": 0})
    outcome = program("journal", "deliver")
    assert 5 == outcome.code
    assert f"run {folder.run_id}: 1 value(s) were left out, for the store does not take them: parameter 'a//b'" in outcome.err
    assert "FINISHED" == store.client.get_run(read_delivered(folder.delivery_log).run_id).info.status


def test_a_project_that_was_renamed(program, tmp_path, monkeypatch, mlflow_template) -> None:
    """An offline run is delivered to the database beside the journal, and the old folder is not made again."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    shutil.copy(mlflow_template, old / "mlflow.db")
    folder = run_states.finished(old / "vreason-journal", mode="offline", tracking_uri=f"sqlite:///{old}/mlflow.db")
    old.rename(new)
    monkeypatch.chdir(new)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    outcome = program("journal", "deliver")
    assert (0, True) == (outcome.code, "mlflow.db is not there any more; taken instead: " in outcome.err)
    assert not old.exists()
    store = MlflowStore(f"sqlite:///{new}/mlflow.db", "trial")
    assert [folder.run_id] == [
        run.data.tags["vreason.run_id"] for run in store.all_runs("tags.`vreason.kind` = 'variant'", "attributes.start_time ASC")
    ]
