"""vreason_cli.commands.runs.show: `vreason-track runs show`."""

from __future__ import annotations

import shlex

import pytest

from tests.helpers import run_states
from vreason_tracking.catalog.run_details import RunDetails


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("running", ["RUNNING (process ", "1 of 3 done (1 answered, 0 failed)", "accuracy so far", "104 waiting", "no end"]),
        ("killed", ["KILLED: its process died abruptly (`runs reap` closes it)", "2 of 3 done", "continue  vreason-track run"]),
        ("interrupted", ["KILLED", "terminated (SIGTERM)", "continue  vreason-track run --resume"]),
        ("offline", ["FINISHED", "183 waiting", "recorded offline: `vreason-track journal deliver` carries it to MLflow"]),
        ("refused", ["the store refuses the rest: the run was deleted"]),
        ("live", ["RUNNING", "ada@far", "2 of 5 done", "nobody here knows"]),
        ("silent", ["SILENT: it claims to be running, and was not heard of for 7"]),
        ("elsewhere", ["FINISHED", "3 of 3 done (3 answered, 0 failed)", "in its journal", "git.commit"]),
        ("far", ["experiment other"]),
    ],
)
def test_in_every_state(look, name, parts) -> None:
    """Status with what is behind it, how far it came, and what to do."""
    outcome = look("runs", "show", name)
    assert (0, "") == (outcome.code, outcome.err)
    assert [] == [part for part in parts if part not in outcome.out]


def test_a_run_of_two_sessions(look, world) -> None:
    """Ids, call and siblings, sessions, figures, identity, method, provenance, delivery."""
    out = look("runs", "show", "v-reason").out
    parts = [
        f"run  {world.stored['v-reason']}",
        f"{world.local['v-reason'].run_id} in its journal",
        "v-reason of config trial, experiment vreason",
        "call-both",
        f"baseline  {world.stored['baseline']}  FINISHED",
        "KILLED; terminated (SIGTERM)",
        "2  ",
        "accuracy ",
        "0.466667",
        "run       abcdef0123456789",
        "method.controller.k  4",
        "git.commit   4c71d97",
        "178 points recorded, 178 delivered to " + world.uri + ", 0 waiting",
        f"journal {world.local['v-reason'].path}",
    ]
    assert [] == [part for part in parts if part not in out]
    assert "continue" not in out


def test_as_json(look_json, world) -> None:
    """One document with every field; the row of the list is in it."""
    document = look_json("runs", "show", "v-reason")
    assert set(RunDetails.__dataclass_fields__) == set(document)
    assert (world.stored["v-reason"], "FINISHED") == (document["run"]["id"], document["run"]["status"])
    assert ["KILLED", "FINISHED"] == [session["status"] for session in document["sessions"]]
    assert ["baseline", "v-reason"] == [each["variant"] for each in document["siblings"]]
    assert (178, 0) == (document["delivery"]["delivered"], document["delivery"]["waiting"])


def test_the_command_that_continues_it(look, look_json, world) -> None:
    """It can be typed as it stands: it is the one of the document."""
    (line,) = [line for line in look("runs", "show", "interrupted").out.splitlines() if line.lstrip().startswith("continue")]
    assert look_json("runs", "show", "interrupted")["resume"] == shlex.split(line.split("  ")[-1])
    assert ["vreason-track", "run", "--resume", world.local["interrupted"].run_id] == look_json("runs", "show", "interrupted")["resume"][:4]


def test_a_password_that_nobody_kept(program, tmp_path, monkeypatch) -> None:
    """Who continues such a run is told what the command needs."""
    monkeypatch.chdir(tmp_path)
    run_states.interrupted(tmp_path / "vreason-journal", {"s-1": 2}, tracking_uri="http://me:***@host/")
    assert "with MLFLOW_TRACKING_URI set: the journal keeps no password" in program("runs", "show", "v-reason").out


@pytest.mark.parametrize("name", ["nothing", "20", ""])
def test_no_such_run(look, name) -> None:
    """Unknown, ambiguous, empty: exit code 5, no traceback, and what to do."""
    outcome = look("runs", "show", name)
    assert (5, "") == (outcome.code, outcome.out)
    assert outcome.err.startswith("error: ")
    assert "Traceback" not in outcome.err


def test_a_damaged_run(look, world) -> None:
    """It is not found, and where to look is said."""
    outcome = look("runs", "show", world.local["broken"].run_id)
    assert 5 == outcome.code
    assert "1 run(s) of the journal cannot be read: see `vreason-track journal status`" in outcome.err


def test_a_journal_that_is_not_there(program, tmp_path, monkeypatch) -> None:
    """One that is named has to be there: exit code 2."""
    monkeypatch.chdir(tmp_path)
    outcome = program("runs", "show", "x", "--journal", "none")
    assert (2, "") == (outcome.code, outcome.out)
    assert f"--journal: {tmp_path}/none is not there" in outcome.err
