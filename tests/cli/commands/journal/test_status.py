"""vreason_cli.commands.journal.status: `vreason-track journal status`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from vreason_tracking.catalog.journal_status import JournalRow, journal_rows, totals


@pytest.fixture
def status(program, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: program("journal", "status", "--journal", world.root, *arguments)


def test_a_line_a_run(status, world) -> None:
    """Oldest first, each with its state and whole id, and the sums at the end; exit code 0 whatever the states."""
    outcome = status()
    assert (0, "") == (outcome.code, outcome.err)
    heading, *lines, last = outcome.out.splitlines()
    assert ["run", "variant", "recorded", "delivered", "waiting", "size", "destination", "state"] == heading.split()
    assert sorted(folder.run_id for folder in world.local.values()) == [line.split()[0] for line in lines]
    sums = totals(journal_rows(world.root))
    recorded, delivered, waiting = (f"{sums[name]:,}" for name in ("recorded", "delivered", "waiting"))
    assert last.startswith(f"{len(lines)} run(s): {recorded} points recorded, {delivered} delivered, {waiting} waiting; ")
    assert last.endswith(f" in {world.root}")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("running", ["104", "running: process "]),
        ("killed", ["166", "killed: its process died abruptly"]),
        ("offline", ["183", "waiting: recorded offline"]),
        ("refused", ["refused: the run was deleted"]),
        ("baseline", ["183", "delivered", "sqlite:"]),
        ("broken", ["damaged: ", "run.json: is not the manifest of a run", "move the folder away"]),
    ],
)
def test_states(status, world, name, parts) -> None:
    """What keeps a run, and who is at it."""
    (line,) = [line for line in status().out.splitlines() if line.startswith(world.local[name].run_id)]
    assert [] == [part for part in parts if part not in line]


def test_as_json(status, world) -> None:
    """One document with every field of every run, and the sums."""
    outcome = status("--json")
    document = json.loads(outcome.out)
    assert 0 == outcome.code
    assert {"journal", "runs", "recorded", "delivered", "waiting", "bytes"} == set(document)
    assert {frozenset(JournalRow.__dataclass_fields__)} == {frozenset(row) for row in document["runs"]}
    assert document["recorded"] == document["delivered"] + document["waiting"] == sum(row["recorded"] for row in document["runs"])


def test_no_store_is_asked(world) -> None:
    """MLflow is not even loaded."""
    code = "import sys; from vreason_cli.main import main\ntry:\n main()\nfinally:\n print('mlflow' in sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, "journal", "status", "--journal", str(world.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (0, "False\n") == (done.returncode, done.stderr)


def test_an_empty_journal(program, tmp_path, monkeypatch) -> None:
    """No runs, where, and what makes some; no error, and nothing is made. JSON has sums of nothing."""
    monkeypatch.chdir(tmp_path)
    outcome = program("journal", "status")
    assert 0 == outcome.code
    assert outcome.out.startswith(f"no runs in {tmp_path}/vreason-journal: `vreason-track run --config FILE` makes some")
    document = json.loads(program("journal", "status", "--json").out)
    assert ([], 0) == (document["runs"], document["waiting"])
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "code", "text"), [("file", 5, "is a file, and a journal is a folder"), ("none", 2, "is not there")])
def test_no_journal_at_all(program, tmp_path, monkeypatch, name, code, text) -> None:
    """A file, and a folder that is not there though it was named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text")
    outcome = program("journal", "status", "--journal", name)
    assert (code, "") == (outcome.code, outcome.out)
    assert text in outcome.err


def test_on_a_terminal(status, world, terminal, monkeypatch) -> None:
    """What is behind a state stands below the table, so that the table fits."""
    monkeypatch.setenv("TERM", "dumb")
    lines = status().out.splitlines()
    table, below = lines[: len(world.local) + 1], lines[len(world.local) + 1 :]
    assert [] == [line for line in table if "its process died" in line or len(line) > 160]
    assert [f"{world.local['killed'].run_id}: killed"] == [line.split(": its")[0] for line in below if "its process died" in line]
