"""vreason_cli.commands.journal.verify: `vreason-track journal verify`."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.helpers import run_states
from vreason_cli.commands.journal.verify import report
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.verification import Verification
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def verify(program, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: program("journal", "verify", "--journal", world.root, *arguments)


def test_every_run(verify, world) -> None:
    """A line each, every damage below it, and exit code 1 because there is some."""
    outcome = verify()
    assert (1, "") == (outcome.code, outcome.err)
    for folder in world.local.values():
        assert f"\n{folder.run_id}: " in f"\n{outcome.out}"
    assert "token 0 of sample 's-2': checksum" in outcome.out
    assert "samples: 's-2' is closed, but steps of it are missing" in outcome.out
    assert "run.json: is not the manifest of a run" in outcome.out
    assert "2 run(s) are damaged" == outcome.out.splitlines()[-1].split(": ")[-1]


def test_those_named(verify, world) -> None:
    """Only these are checked; what is intact is exit code 0."""
    outcome = verify("offline", world.local["baseline"].run_id)
    assert 0 == outcome.code
    first, second, last = outcome.out.splitlines()
    assert first.startswith(f"{world.local['offline'].run_id}: intact: ")
    assert second.startswith(f"{world.local['baseline'].run_id}: intact: ")
    assert last.startswith("2 run(s), ")
    assert last.endswith(" records: nothing is damaged")


def test_what_a_dead_process_left_is_no_damage(verify) -> None:
    """Its open records are told of, and the exit code is 0."""
    outcome = verify("killed")
    assert (0, True) == (outcome.code, "killed" not in outcome.out)
    assert "of a dead process that nobody closed, kept when it is closed or continued; 0 torn byte(s) after them" in outcome.out


def test_a_torn_end(program, tmp_path, monkeypatch) -> None:
    """Half a line at the end of an open fragment is counted, and is no damage."""
    monkeypatch.chdir(tmp_path)
    folder = run_states.killed(tmp_path / "vreason-journal")
    ((_, path),) = folder.fragments(opened=True)
    with open(path, "ab") as file:
        file.write(b'0123abcd ["step","s-3"')
    outcome = program("journal", "verify")
    assert 0 == outcome.code
    assert "22 torn byte(s) after them" in outcome.out


def test_as_json(verify, world) -> None:
    """One document; each damage with file, line and reason."""
    outcome = verify("offline", "damaged", "--json")
    document = json.loads(outcome.out)
    assert (1, False) == (outcome.code, document["intact"])
    good, bad = document["runs"]
    assert {*Verification.__dataclass_fields__, "intact"} == set(good)
    assert (True, [], False) == (good["intact"], good["damages"], bad["intact"])
    assert {"file", "line", "offset", "reason"} == set(bad["damages"][0])
    assert world.local["damaged"].run_id == bad["run_id"]


def test_a_run_under_way() -> None:
    """What it has not closed yet is normal, and said to be."""
    lines = report(Verification("run", 2, 30, 1, (), 7, 0, True))
    assert ["run: intact: 2 fragment(s), 30 record(s), 1 finished sample(s)", "  under way: 7 record(s) not closed yet"] == lines


def test_one_that_runs_now(verify) -> None:
    """It is intact."""
    assert 0 == verify("running").code


def test_an_empty_journal(program, tmp_path, monkeypatch) -> None:
    """Nothing is damaged."""
    monkeypatch.chdir(tmp_path)
    outcome = program("journal", "verify")
    assert (0, "0 run(s), 0 records: nothing is damaged\n") == (outcome.code, outcome.out)


@pytest.mark.parametrize(("arguments", "code"), [(["nothing"], 5), (["20"], 5), (["--journal", "none"], 2), (["--journal", "file"], 5)])
def test_what_is_wrong(program, world, tmp_path, monkeypatch, arguments, code) -> None:
    """A message and the exit code; no traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VREASON_JOURNAL", str(world.root))
    (tmp_path / "file").write_text("text")
    outcome = program("journal", "verify", *arguments)
    assert (code, "") == (outcome.code, outcome.out)
    assert "Traceback" not in outcome.err


@pytest.fixture
def delivered(tmp_path, tracking_uri):
    """A journal with a run that was delivered, and its store."""
    store = MlflowStore(tracking_uri, "trial")
    return run_states.finished(tmp_path / "vreason-journal", store=store, tracking_uri=tracking_uri), store


def test_the_store_too(program, delivered) -> None:
    """With --store every point is read back; what the store has lost is named, and --repair mends it."""
    folder, store = delivered
    assert 0 == program("journal", "verify", "--store").code
    nested = read_delivered(folder.delivery_log).samples["s-2"]
    with closing(sqlite3.connect(store.uri.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("DELETE FROM metrics WHERE run_uuid = ? AND step = 3", [nested])
    outcome = program("journal", "verify", "--store")
    assert 1 == outcome.code
    assert re.search(r"in sqlite:.*: 1 difference\(s\): \d+ points, 3 sample\(s\)\n  sample 's-2': \d+ of \d+ points are", outcome.out)
    document = json.loads(program("journal", "verify", "--store", "--json").out)
    assert (False, [folder.run_id]) == (document["intact"], [row["run_id"] for row in document["store"]])
    assert "points are missing" in document["store"][0]["differences"][0]
    repaired = program("journal", "deliver", "--repair")
    assert (0, True) == (repaired.code, "repaired: " in repaired.out)
    assert 0 == program("journal", "verify", "--store").code
    assert "nothing to repair" in program("journal", "deliver", "--repair").out


def test_a_run_whose_folder_is_gone(program, delivered, monkeypatch) -> None:
    """The store knows of a run that this journal had: its folder was taken away."""
    folder, store = delivered
    run_states.finished(folder.path.parent, "other", store=store, tracking_uri=store.uri)
    shutil.rmtree(folder.path)
    assert 0 == program("journal", "verify").code
    run_id = store.all_runs(f"tags.`vreason.run_id` = '{folder.run_id}'", "attributes.start_time ASC")[0].info.run_id
    store.log(run_id, tags={"host": platform.node()})
    outcome = program("journal", "verify", "--store")
    assert (1, True) == (outcome.code, f"run {folder.run_id} (v-reason) is in the store as {run_id}, and its folder is gone" in outcome.out)


def test_a_store_that_cannot_be_read_back(program, delivered) -> None:
    """It is said, with exit code 5; the journal's own check was printed before."""
    folder, _ = delivered
    outcome = program("journal", "verify", "--store", "--tracking-uri", "http://127.0.0.1:1")
    assert (5, True, True) == (outcome.code, f"{folder.run_id}: intact" in outcome.out, "127.0.0.1:1" in outcome.err)


def test_a_manifest_that_is_gone(program, tmp_path, monkeypatch) -> None:
    """A run that has lost its manifest is a run all the same: it is damaged, and not passed over."""
    monkeypatch.chdir(tmp_path)
    folder = run_states.finished(tmp_path / "vreason-journal")
    (folder.path / "run.json").unlink()
    outcome = program("journal", "verify")
    assert (1, True) == (outcome.code, f"{folder.run_id}: 1 damage(s)" in outcome.out)
    assert "run.json: cannot be read" in outcome.out
    assert "damaged: " in program("journal", "status").out
