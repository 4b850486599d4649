"""vreason_cli.commands.compare: both sides of the record, and what is logged to MLflow."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.helpers import like_runs, readback
from tests.helpers.ports import free_port
from tests.helpers.report_files import KINDS, left, outputs, refused
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.stores.mlflow_store import MlflowStore

DELIVERED_TO = re.compile(r"logged to MLflow: run ([0-9a-f]{32})\n")


@pytest.fixture
def delivered(tmp_path, tracking_uri, monkeypatch):
    """As `journal`, delivered to a store that the environment names; the two folders."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    return like_runs.pair(tmp_path / "vreason-journal", MlflowStore(tracking_uri, "trial"))


def test_a_run_that_only_the_journal_has(compare, journal, tracking_uri, monkeypatch) -> None:
    """The store is there, the baseline is not in it: the note says what carries it there."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    outcome = compare("baseline", "v-reason")
    assert 0 == outcome.code, outcome.err
    note = f"note: not logged to MLflow: baseline is not in {tracking_uri} (`vreason-track journal deliver` carries it there)\n"
    assert note == outcome.err


def test_a_run_that_was_deleted_in_mlflow(compare, delivered, tracking_uri) -> None:
    """The journal has it, so it is compared; that others see it no more is said, with what brings it back."""
    MlflowStore(tracking_uri, "trial").client.delete_run(read_delivered(delivered[0].delivery_log).run_id)
    outcome = compare("--config-run", "trial", "--no-log")
    assert 0 == outcome.code, outcome.err
    assert f"note: run {delivered[0].run_id} was deleted in MLflow, where it was " in outcome.err
    assert f"`vreason-track runs restore {delivered[0].run_id}` brings it back" in outcome.err


@pytest.mark.parametrize("name", ["samples.parquet", "steps.parquet"])
def test_a_damaged_artifact(compare, delivered, tmp_path, name) -> None:
    """The file is named and what is wrong with it; nothing is written."""
    run_id = read_delivered(delivered[1].delivery_log).run_id
    (file,) = (tmp_path / "mlruns").rglob(f"{run_id}/artifacts/{name}")
    file.write_bytes(file.read_bytes()[:-40])
    outcome = compare("baseline", "v-reason", *outputs(tmp_path))
    refused(outcome, 5, f"{file}: is not a record of {name.partition('.')[0]}")
    assert [] == left(tmp_path)


def test_nothing_is_logged_on_request(compare, delivered, tracking_uri) -> None:
    """With --no-log the store is as it was."""
    client = MlflowStore(tracking_uri, "trial").client
    assert 0 == compare("baseline", "v-reason", "--no-log").code
    assert [] == list(client.search_runs(["1"], "tags.`vreason.kind` = 'comparison'"))


def test_it_is_logged_once(compare, delivered, tracking_uri, tmp_path) -> None:
    """The same run in MLflow when it is compared again, with the very files that were written."""
    client = MlflowStore(tracking_uri, "trial").client
    outcomes = [compare("--experiment", "trial", *outputs(tmp_path)), compare("v-reason", "baseline"), compare("--config-run", "trial")]
    assert [0, 0, 0] == [outcome.code for outcome in outcomes], [outcome.err for outcome in outcomes]
    (run_id,) = {DELIVERED_TO.search(outcome.err)[1] for outcome in outcomes}
    for kind in KINDS:
        logged = Path(client.download_artifacts(run_id, f"comparison.{kind}")).read_bytes()
        assert (tmp_path / f"out.{kind}").read_bytes() == logged, kind


def test_a_comparison_does_not_show_elsewhere(compare, delivered, program) -> None:
    """Not among runs, not as a silent one, and not to the doctor."""
    doctor = [program("doctor", "--json").out]
    assert 0 == compare("baseline", "v-reason").code
    doctor.append(program("doctor", "--json").out)
    before, after = ([(check["name"], check["state"]) for check in json.loads(each)["checks"]] for each in doctor)
    assert before == after
    listed = json.loads(program("runs", "list", "--experiment", "trial", "--json").out)
    assert {"baseline", "v-reason"} == {run["variant"] for run in listed["runs"]}
    assert 0 == program("runs", "reap", "--experiment", "trial").code
    assert 0 == compare("--experiment", "trial", "--json", "again.json", "--no-log").code
    assert ["baseline", "v-reason"] == [run["name"] for run in json.loads(Path("again.json").read_text())["runs"]]


def test_a_store_that_refuses_at_that_moment(compare, delivered, tmp_path, monkeypatch) -> None:
    """A note; the files are written and the exit code is 0."""
    from mlflow import MlflowClient

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MlflowClient, "log_artifact", refuse)
    outcome = compare("baseline", "v-reason", *outputs(tmp_path))
    assert 0 == outcome.code
    assert "note: not logged to MLflow: " in outcome.err
    assert "No space left on device" in outcome.err
    assert [f"out.{kind}" for kind in sorted(KINDS)] == left(tmp_path)


def test_the_same_from_either_side(compare, delivered, tmp_path, tracking_uri, monkeypatch) -> None:
    """Journal and store, the store alone, and a folder elsewhere: byte by byte the same four files."""
    for name in ("both", "store", "elsewhere"):
        (tmp_path / name).mkdir()
    assert 0 == compare("--experiment", "trial", "--no-log", *outputs(tmp_path / "both")).code
    monkeypatch.setenv("VREASON_JOURNAL", str(tmp_path / "none"))
    assert 0 == compare("--experiment", "trial", "--no-log", *outputs(tmp_path / "store")).code
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert 0 == compare("--experiment", "trial", "--no-log", "--tracking-uri", tracking_uri, *outputs(Path())).code
    for kind in KINDS:
        texts = {(tmp_path / name / f"out.{kind}").read_bytes() for name in ("both", "store", "elsewhere")}
        assert 1 == len(texts), kind
        assert str(tmp_path).encode() not in texts.pop()


def test_before_and_after_delivery_only_the_ids_differ(compare, journal, tmp_path, tracking_uri, monkeypatch) -> None:
    """The journal's record is the store's."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    assert 0 == compare("baseline", "v-reason", "--no-log", *outputs(tmp_path / "before")).code
    store = MlflowStore(tracking_uri, "trial")
    ids = {folder.run_id: readback.deliver(folder, store).run_id for folder in run_folders(journal)}
    assert 0 == compare("baseline", "v-reason", "--no-log", *outputs(tmp_path / "after")).code
    for kind in KINDS:
        before, after = ((tmp_path / name / f"out.{kind}").read_text() for name in ("before", "after"))
        for ours, theirs in ids.items():
            document = f'"{ours}",\n   "mlflow_id": null', f'"{theirs}",\n   "mlflow_id": "{theirs}"'
            before = before.replace(*document).replace(ours, theirs)
        assert before == after, kind


def test_a_store_that_is_away(compare, journal, tmp_path) -> None:
    """The journal is compared; that nothing was logged is said, the reason once."""
    uri = f"http://127.0.0.1:{free_port()}"
    outcome = compare("baseline", "v-reason", "--tracking-uri", uri, *outputs(tmp_path))
    assert 0 == outcome.code, outcome.err
    assert 1 == outcome.err.count("cannot be used for tracking")
    assert "note: not logged to MLflow: the store cannot be used, see above\n" in outcome.err
    assert [f"out.{kind}" for kind in sorted(KINDS)] == left(tmp_path)


def test_runs_by_their_ids_and_a_store_that_is_away(compare, journal) -> None:
    """Then nobody has looked at the store before, and the reason stands where it is found."""
    ids = sorted(each.name for each in journal.iterdir() if each.is_dir())
    outcome = compare(*ids, "--tracking-uri", f"http://127.0.0.1:{free_port()}")
    assert 0 == outcome.code, outcome.err
    assert 1 == outcome.err.count("cannot be used for tracking")
    assert "note: not logged to MLflow: http://127.0.0.1" in outcome.err
