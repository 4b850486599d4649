"""vreason_cli.commands.runs.delete: `vreason-track runs delete`."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.helpers import run_states
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def store(tracking_uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    return MlflowStore(tracking_uri, "vreason")


@pytest.fixture
def delivered(tmp_path, store):
    """Two delivered runs, by variant."""
    return {name: run_states.finished(tmp_path / "vreason-journal", name, store, experiment="vreason") for name in ("one", "two")}


def left(store):
    """Names of the variants' runs that MLflow still has."""
    return [run.info.run_name for run in store.all_runs("tags.`vreason.kind` = 'variant'", "attributes.start_time ASC")]


def test_one_run(program, delivered, store) -> None:
    """It and its samples are gone from MLflow, and the journal is kept."""
    outcome = program("runs", "delete", "one", "--yes")
    assert (0, "") == (outcome.code, outcome.err)
    run_id = read_delivered(delivered["one"].delivery_log).run_id
    assert f"{run_id} (one): deleted 4 run(s) in MLflow\n" == outcome.out
    assert ["two"] == left(store)
    assert delivered["one"].fragments()


def test_several_by_several_names(program, delivered, store) -> None:
    """A run that is named twice is deleted once; with --journal-too its folder goes as well."""
    outcome = program("runs", "delete", "one", delivered["one"].run_id, "two", "--journal-too", "--yes")
    assert (0, 2) == (outcome.code, outcome.out.count("deleted 4 run(s) in MLflow and its journal"))
    assert [] == left(store)
    assert ["audit.db"] == [path.name for path in delivered["one"].path.parent.iterdir()]


def test_nobody_to_ask(program, delivered, store) -> None:
    """Without --yes and without a terminal nothing is deleted: exit code 2."""
    outcome = program("runs", "delete", "one")
    assert (2, "") == (outcome.code, outcome.out)
    assert "give --yes" in outcome.err
    assert ["one", "two"] == sorted(left(store))


@pytest.mark.parametrize(("answer", "code", "kept"), [("n\n", 130, ["one", "two"]), ("\n", 130, ["one", "two"]), ("y\n", 0, ["two"])])
def test_on_a_terminal(delivered, store, tmp_path, answer, code, kept) -> None:
    """What would go is shown, and nothing goes unless the answer is yes."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from vreason_cli.main import main; main()", "runs", "delete", "one"]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path)
    os.close(theirs)
    os.write(ours, answer.encode())
    out, _ = process.communicate(timeout=120)
    os.close(ours)
    assert code == process.returncode, out
    assert "(one) from MLflow, with the runs of its samples" in out
    assert "delete 1 run(s)? [y/N]" in out
    assert kept == sorted(left(store))


def test_all_or_nothing(program, delivered, store, tmp_path) -> None:
    """If one of several cannot be deleted, none is."""
    with run_states.running(tmp_path / "vreason-journal", {"s-1": 2}, "busy", experiment="vreason"):
        outcome = program("runs", "delete", "one", "busy", "--journal-too", "--yes")
    assert (5, "") == (outcome.code, outcome.out)
    assert "is under way (process " in outcome.err
    assert ["one", "two"] == sorted(left(store))
    assert delivered["one"].fragments()


def test_points_that_are_nowhere_else(program, store, tmp_path) -> None:
    """They are kept, unless somebody says that they may go."""
    folder = run_states.finished(tmp_path / "vreason-journal", experiment="vreason")
    outcome = program("runs", "delete", "v-reason", "--journal-too", "--yes")
    assert (5, True) == (outcome.code, folder.path.exists())
    assert "183 points of it are not in MLflow" in outcome.err
    outcome = program("runs", "delete", "v-reason", "--journal-too", "--even-undelivered", "--yes")
    assert (0, False) == (outcome.code, folder.path.exists())


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "Missing argument 'RUN...'"),
        (["nothing", "--yes"], 5, "no run 'nothing'"),
        (["one", "nothing", "--yes"], 5, "no run 'nothing'"),
        (["one", "--even-undelivered", "--yes"], 2, "give --journal-too with it"),
        (["20", "--yes"], 5, "give more of it"),
    ],
)
def test_what_is_wrong(program, delivered, store, arguments, code, text) -> None:
    """A message, the exit code, and nothing deleted."""
    outcome = program("runs", "delete", *arguments)
    assert (code, "") == (outcome.code, outcome.out)
    assert text in outcome.err
    assert ["one", "two"] == sorted(left(store))


def test_the_store_is_away(program, delivered, tmp_path) -> None:
    """Nothing is deleted of a run whose store cannot be asked."""
    (tmp_path / "mlflow.db").rename(tmp_path / "away.db")
    outcome = program("runs", "delete", "one", "--journal-too", "--yes")
    assert (5, "") == (outcome.code, outcome.out)
    assert "there is no such database" in outcome.err
    assert delivered["one"].fragments()
