"""vreason_cli.commands.runs.restore: `vreason-track runs restore`."""

from __future__ import annotations

import pytest

from tests.helpers import run_states
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def store(tracking_uri):
    return MlflowStore(tracking_uri, "trial")


@pytest.fixture
def folder(tmp_path, store):
    return run_states.finished(tmp_path / "vreason-journal", store=store, tracking_uri=store.uri)


@pytest.fixture
def program(program, tracking_uri, monkeypatch):
    """In a process whose environment names the store: MLflow keeps what a relative address once led to."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    return program


def restore(program, *names):
    return program("runs", "restore", "--experiment", "trial", *names)


def states(folder, store):
    marks = read_delivered(folder.delivery_log)
    return {store.state_of(run_id) for run_id in (marks.run_id, *marks.samples.values())}


def test_what_runs_delete_deleted(program, folder, store) -> None:
    """It comes back with its samples, named as in every command; a second time there is nothing to do."""
    assert 0 == program("runs", "delete", "v-reason", "--experiment", "trial", "--yes").code
    assert {"deleted"} == states(folder, store)
    outcome = restore(program, folder.run_id)
    assert (0, True) == (outcome.code, "(v-reason): 4 run(s) in MLflow restored" in outcome.out)
    assert {"active"} == states(folder, store)
    assert "nothing of it is deleted" in restore(program, "v-reason").out


@pytest.mark.parametrize("restored_there", [False, True])
def test_what_mlflows_pages_deleted(program, folder, store, restored_there) -> None:
    """They delete, and restore, the run without its samples: all of it is there afterwards."""
    run_id = read_delivered(folder.delivery_log).run_id
    for nested in read_delivered(folder.delivery_log).samples.values():
        store.client.delete_run(nested)
    store.client.delete_run(run_id)
    if restored_there:
        store.client.restore_run(run_id)
    assert 0 == restore(program, "v-reason").code
    assert {"active"} == states(folder, store)


def test_a_run_of_the_store_alone(program, store, tmp_path, monkeypatch) -> None:
    """Its journal is elsewhere: its whole id in MLflow names it."""
    elsewhere = run_states.finished(tmp_path / "elsewhere", store=store)
    run_id = read_delivered(elsewhere.delivery_log).run_id
    store.client.delete_run(run_id)
    outcome = restore(program, run_id)
    assert (0, True) == (outcome.code, f"{run_id} (v-reason): 1 run(s) in MLflow restored" in outcome.out)


@pytest.mark.parametrize(("name", "words"), [("nobody", "no run 'nobody'"), ("0" * 32, "(purged by `mlflow gc`?)")])
def test_what_is_not_there(program, folder, name, words) -> None:
    """It is said, with exit code 5."""
    outcome = restore(program, name)
    assert (5, True) == (outcome.code, words in outcome.err)


def test_never_delivered(program, tmp_path, tracking_uri) -> None:
    """A run of the journal alone was never deleted in MLflow."""
    folder = run_states.finished(tmp_path / "vreason-journal")
    outcome = restore(program, folder.run_id)
    assert (5, True) == (outcome.code, "was never delivered" in outcome.err)
