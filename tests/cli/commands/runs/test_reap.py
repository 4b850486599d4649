"""vreason_cli.commands.runs.reap: `vreason-track runs reap`."""

from __future__ import annotations

import json

import pytest

from tests.helpers import run_states
from vreason.clock import unix_ms
from vreason_tracking.stores.mlflow_store import MlflowStore

MINUTE = 60_000


@pytest.fixture
def store(tracking_uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    return MlflowStore(tracking_uri, "vreason")


@pytest.fixture
def dead(tmp_path, store):
    """A dead run here, a silent and a living one far away; names to ids."""
    folder = run_states.killed(tmp_path / "vreason-journal", "dead")
    now = unix_ms()
    return {
        "dead": folder.run_id,
        "silent": run_states.remote(store, "silent", started_ms=now - 60 * MINUTE, heard_ms=now - 8 * MINUTE),
        "live": run_states.remote(store, "live", started_ms=now - 60 * MINUTE),
    }


def statuses(store):
    return {run.info.run_name: run.info.status for run in store.all_runs("", "attributes.start_time ASC")}


def test_dead_and_silent_runs(program, dead, store) -> None:
    """Each is closed and named with why; those that live are left. What to type next is said, and a second time there is none."""
    outcome = program("runs", "reap")
    assert (0, "") == (outcome.code, outcome.err)
    first, second, third, last = outcome.out.splitlines()
    assert first.startswith(f"{dead['dead']} (dead, here): closed as KILLED: process ")
    assert second.startswith(f"{dead['silent']} (silent, far): closed as KILLED: no heartbeat for 8 min")
    assert ("2 run(s) closed", "tell MLflow:  vreason-track journal deliver") == (third, last)
    assert {"silent": "KILLED", "live": "RUNNING"} == statuses(store)
    assert "no dead or silent run\n" == program("runs", "reap").out


def test_a_dry_run(program, dead, store) -> None:
    """The same runs are named, and none is closed."""
    out = program("runs", "reap", "--dry-run").out
    assert 2 == out.count("would be closed: ")
    assert "2 run(s) would be closed" == out.splitlines()[-1]
    assert {"silent": "RUNNING", "live": "RUNNING"} == statuses(store)
    assert 2 == program("runs", "reap", "--dry-run").out.count("would be closed: ")


def test_as_json(program, dead) -> None:
    """One document, in which each run says where it is."""
    document = json.loads(program("runs", "reap", "--json").out)
    assert [("journal", dead["dead"]), ("store", dead["silent"])] == [(each["place"], each["id"]) for each in document["reaped"]]
    assert {"place", "id", "variant", "host", "reason"} == set(document["reaped"][0])
    assert (False, None) == (document["dry_run"], document["store_error"])


def test_patience(program, dead, store) -> None:
    """How long silence may last can be said."""
    assert "no heartbeat" not in program("runs", "reap", "--silent-for", 9).out
    assert {"silent": "RUNNING", "live": "RUNNING"} == statuses(store)
    assert "no heartbeat for 8 min" in program("runs", "reap", "--silent-for", 7).out


@pytest.mark.parametrize("minutes", ["0", "-1", "soon"])
def test_no_patience(program, dead, minutes) -> None:
    """Refused before anything is closed."""
    outcome = program("runs", "reap", f"--silent-for={minutes}")
    assert (2, "") == (outcome.code, outcome.out)
    assert "--silent-for" in outcome.err


def test_without_a_store(program, tmp_path, monkeypatch) -> None:
    """The journal's runs are closed, and it is said that no others were looked at."""
    monkeypatch.chdir(tmp_path)
    folder = run_states.killed(tmp_path / "vreason-journal")
    outcome = program("runs", "reap")
    assert 0 == outcome.code
    assert f"{folder.run_id} (v-reason, here): closed as KILLED" in outcome.out
    assert "note: only the journal" in outcome.err


def test_neither(program, tmp_path, monkeypatch) -> None:
    """Exit code 5, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    outcome = program("runs", "reap")
    assert (5, "", []) == (outcome.code, outcome.out, list(tmp_path.iterdir()))


def test_one_that_cannot_be_closed(program, dead, tmp_path, store) -> None:
    """The others are closed; then exit code 5 and the file."""
    hopeless = run_states.finished(tmp_path / "vreason-journal", "hopeless")
    _, last = hopeless.fragments()[-1]
    last.unlink()
    last.mkdir()  # reading it fails, for whoever reads
    outcome = program("runs", "reap")
    assert (5, 2) == (outcome.code, outcome.out.count("closed as KILLED"))
    assert str(last) in outcome.err
