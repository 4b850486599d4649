"""vreason_tracking.catalog.run_record: a run's files from MLflow or from the journal, which say the same."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.helpers import compared, readback, records, run_states
from tests.helpers.tracking_server import TrackingServer
from vreason.errors import TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.run_record import recorded_runs, unique_names
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.export.documents import to_json
from vreason_tracking.comparison.selection import named_runs
from vreason_tracking.stores.mlflow_store import MlflowStore

NAMES = ("baseline", "v-reason")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def elsewhere(tmp_path):
    """A machine that has none of the runs in its journal."""
    return tmp_path / "elsewhere"


@pytest.fixture
def nowhere(tmp_path):
    """A store that is not there."""
    return f"sqlite:///{tmp_path}/none.db"


def run(root, name, store=None, right=("s-1",)):
    """Six samples about six clips, one of which failed, and a second session; delivered, if a store is given."""
    names = [f"s-{number}" for number in range(1, 7)]
    tags = {"device": "cpu", "host": "here", "data.digest": "d", "identity.prompt": "1", "config.name": "trial"}
    about = {
        "tags": tags,
        "identity": {"prompt": "1"},
        "sample_ids": tuple(names),
        "params": {"seed": 0, "video.nframes": 8, "data.limit": "null"},
    }
    recorder = readback.recorder_of(root, name, **about)
    for number, each in enumerate(names):
        if each == "s-4":
            recorder.on_sample(records.failed(each))
            continue
        reply = records.steps(f"{name} {each}", 5 + number)
        reply = [replace(step, sample_id=each) for step in reply]
        recorder.on_steps(reply)
        recorder.on_sample(records.sample(each, reply, score=float(each in right)))
    recorder.finish("FINISHED")
    if store is not None:
        readback.deliver(recorder.folder, store)
    return recorder.folder


@pytest.fixture
def both(root, store):
    """Two runs, in the journal and in the store."""
    return {name: run(root, name, store, right) for name, right in zip(NAMES, (("s-1", "s-2"), ("s-2", "s-3", "s-5")), strict=True)}


def artifact(folder, name):
    """Where MLflow has a file of the run."""
    (path,) = Path("mlruns").glob(f"*/{Catalog(folder.path.parent, None, None).find(folder.run_id).mlflow_id}/artifacts/{name}")
    return path.absolute()


def compared_in(catalog, names=NAMES):
    """The comparison as a document without MLflow's ids, its groups, and where the files were."""
    with recorded_runs(named_runs(catalog, names).runs) as found:
        comparison = compare(found, force=True)
        document = json.loads(to_json(comparison))
        for each in document["runs"]:
            del each["run_id"], each["mlflow_id"]
        return json.dumps(document), comparison.groups, [each.samples for each in found]


def steps_in(catalog, names=NAMES):
    with recorded_runs(named_runs(catalog, names).runs) as found:
        return [pq.read_table(each.steps).to_pylist() for each in found]


def test_both_sides_say_the_same(root, elsewhere, nowhere, tracking_uri, both) -> None:
    """From MLflow alone, from the journal alone, and from both: figures and every byte of the JSON, but for MLflow's ids."""
    shutil.copytree(root, elsewhere / "never-delivered")
    for marks in (elsewhere / "never-delivered").glob("*/delivery.log"):
        marks.unlink()
    catalogs = {
        "MLflow": Catalog(elsewhere / "empty", tracking_uri, None),
        "both": Catalog(root, tracking_uri, None),
        "journal": Catalog(root, nowhere, None),
        "never delivered": Catalog(elsewhere / "never-delivered", nowhere, None),
    }
    found = {name: compared_in(catalog) for name, catalog in catalogs.items()}
    document, groups, _ = found["MLflow"]
    assert {"questions": 6, "questions_failed": 1} == {
        "questions": groups[0].questions,
        "questions_failed": groups[0].results[1].accuracy.failed,
    }
    for name in ("both", "journal", "never delivered"):
        assert groups == found[name][1], name
        assert document == found[name][0], name
    steps = [steps_in(catalog) for catalog in catalogs.values()]
    assert [True] * 4 == [each == steps[0] for each in steps]
    places = {name: {path.is_relative_to(Path("mlruns").absolute()) for path in paths} for name, (_, _, paths) in found.items()}
    assert {"MLflow": {True}, "both": {True}, "journal": {False}, "never delivered": {False}} == places


def test_what_is_known_of_a_run(root, elsewhere, tracking_uri, both) -> None:
    """Settings as text, provenance without the store's own bookkeeping, and every id."""
    for place in (root, elsewhere):
        with recorded_runs(named_runs(Catalog(place, tracking_uri, None), ["v-reason"]).runs) as (found,):
            assert ("v-reason", "v-reason", "FINISHED", 6) == (found.name, found.variant, found.status, found.expected_samples)
            assert {"seed": "0", "video.nframes": "8", "data.limit": "null"} == found.params
            tags = {"device": "cpu", "host": "here", "data.digest": "d", "identity.prompt": "1", "config.name": "trial"}
            assert (tags, {"prompt": "1"}) == (found.tags, found.identity)
            assert (found.mlflow_id, both["v-reason"].run_id) == found.ids
            assert readback.CREATED_MS == found.started_ms
            assert found.experiment_id is not None


def test_files_of_the_journal_go(root, nowhere) -> None:
    """What is written for the comparison is gone after it, also when it fails; the journal is as it was."""
    folder = run(root, "a")
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(RuntimeError), recorded_runs(named_runs(Catalog(root, nowhere, None), ["a"]).runs) as (found,):  # noqa: PT012
        assert found.samples.is_file()
        raise RuntimeError
    assert not found.samples.parent.exists()
    assert before == {path: path.read_bytes() for path in folder.path.iterdir()}


def test_mlflow_has_only_its_beginning(root, tracking_uri, store) -> None:
    """A run that went on after it was delivered is read from the journal, which has all of it."""
    folder = run_states.interrupted(root, {"s-1": 12})
    readback.deliver(folder, store)
    run_states.continued(folder, {"s-2": 7, "s-3": 1})
    with recorded_runs(named_runs(Catalog(root, tracking_uri, None), ["v-reason"]).runs) as (found,):
        assert ["s-1", "s-2", "s-3"] == sorted(row["sample_id"] for row in compared.rows(found))
        assert 20 == pq.read_metadata(found.steps).num_rows
        assert ("FINISHED", 3) == (found.status, found.expected_samples)


def test_interrupted_and_delivered(root, elsewhere, tracking_uri, store) -> None:
    """MLflow has its finished samples: it can be compared by force, from another machine too."""
    readback.deliver(run_states.interrupted(root, {"s-1": 12}), store)
    with recorded_runs(named_runs(Catalog(elsewhere, tracking_uri, None), ["v-reason"]).runs) as (found,):
        assert ("KILLED", 3, ["s-1"]) == (found.status, found.expected_samples, [row["sample_id"] for row in compared.rows(found)])


def test_under_way(root, nowhere) -> None:
    """A run that goes on is read as far as it is."""
    with run_states.running(root, {"s-1": 12}), recorded_runs(named_runs(Catalog(root, nowhere, None), ["v-reason"]).runs) as (found,):
        assert ("RUNNING", ["s-1"]) == (found.status, [row["sample_id"] for row in compared.rows(found)])


def test_a_damaged_journal(root, nowhere) -> None:
    """A sample that is damaged is left out, and the run counts as partial."""
    folder = run_states.finished(root, "a")
    run_states.flip_a_bit(folder)
    with recorded_runs(named_runs(Catalog(root, nowhere, None), ["a"]).runs) as (found,):
        assert (["s-1", "s-3"], 3) == (sorted(row["sample_id"] for row in compared.rows(found)), found.expected_samples)


@pytest.mark.parametrize("name", ["samples.parquet", "steps.parquet"])
def test_an_artifact_that_is_gone(root, elsewhere, tracking_uri, both, name) -> None:
    """The journal is read instead, and gives the same; on another machine an error names run and file."""
    document, groups, _ = compared_in(Catalog(root, tracking_uri, None))
    path = artifact(both["v-reason"], name)
    path.unlink()
    assert (document, groups) == compared_in(Catalog(root, tracking_uri, None))[:2]
    mlflow_id = Catalog(root, tracking_uri, None).find(both["v-reason"].run_id).mlflow_id
    text = f"v-reason ({mlflow_id}): its record {path} is not there; is the run finished"
    with pytest.raises(TrackingError, match=re.escape(text)):
        compared_in(Catalog(elsewhere, tracking_uri, None))


def test_without_steps(root, elsewhere, tracking_uri, both) -> None:
    """Where no steps are needed their file is not fetched, and may be gone."""
    artifact(both["v-reason"], "steps.parquet").unlink()
    with recorded_runs(named_runs(Catalog(elsewhere, tracking_uri, None), NAMES).runs, steps=False) as found:
        assert [6, 6] == [len(compared.rows(each)) for each in found]
        assert not any(each.steps.exists() for each in found)
        assert 6 == compare(found, force=True).groups[0].questions


def test_an_artifact_that_is_damaged(root, tracking_uri, both) -> None:
    """The error names the file and what helps; it does help."""
    document, groups, _ = compared_in(Catalog(root, tracking_uri, None))
    path = artifact(both["v-reason"], "samples.parquet")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TrackingError, match=re.escape(str(path)) + ".*move it away: then the run is read from its journal"):
        compared_in(Catalog(root, tracking_uri, None))
    path.rename(path.with_suffix(".bad"))
    assert (document, groups) == compared_in(Catalog(root, tracking_uri, None))[:2]


def test_a_run_that_mlflow_has_no_tables_of(elsewhere, tracking_uri, store) -> None:
    """One of another machine that is under way has none yet: the error says which run, and asks the right question."""
    run_id = run_states.remote(store, "live", started_ms=records.START_MS)
    with (
        pytest.raises(TrackingError, match=rf"live \({run_id}\): its record .*samples.parquet is not there; is the run finished"),
        recorded_runs(named_runs(Catalog(elsewhere, tracking_uri, None), [run_id]).runs),
    ):
        pass


def test_a_journal_that_cannot_be_read(root, nowhere) -> None:
    """The error names the file."""
    folder = run(root, "a")
    runs = named_runs(Catalog(root, nowhere, None), ["a"]).runs
    fragment = next(path for _, path in folder.fragments())
    fragment.unlink()
    fragment.mkdir()
    with pytest.raises(TrackingError, match=re.escape(str(fragment)) + ": cannot be read"), recorded_runs(runs):
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the Parquet writer tries once more when it goes
def test_no_room_for_the_tables(root, nowhere, tmp_path, monkeypatch) -> None:
    """Where temporary files cannot grow, the error names the run and what to do; nothing is left behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = run(root, "a")
    runs = named_runs(Catalog(root, nowhere, None), ["a"]).runs
    before = sorted(tmp_path.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        text = rf"a \({folder.run_id}\): the tables of its journal cannot be written .*free space in {tmp_path}, or name another folder"
        with pytest.raises(TrackingError, match=text), recorded_runs(runs):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert before == sorted(tmp_path.iterdir())


@pytest.mark.slow
def test_from_a_server(root, elsewhere, nowhere, tmp_path) -> None:
    """Over HTTP, with the artifacts on the server: the same; a file that the server has lost is named, without the password."""
    server = TrackingServer(tmp_path)
    server.start()
    try:
        store = MlflowStore(server.uri, "trial")
        folders = {name: run(root, name, store, right) for name, right in zip(NAMES, (("s-1",), ("s-2", "s-3")), strict=True)}
        document, groups, paths = compared_in(Catalog(elsewhere, server.uri, None))
        assert (document, groups) == compared_in(Catalog(root, nowhere, None))[:2]
        assert steps_in(Catalog(elsewhere, server.uri, None)) == steps_in(Catalog(root, nowhere, None))
        assert not any(path.exists() for path in paths)
        (lost,) = (tmp_path / "kept").glob(
            f"*/{Catalog(root, nowhere, None).find(folders['v-reason'].run_id).mlflow_id}/**/samples.parquet"
        )
        os.unlink(lost)
        with pytest.raises(
            TrackingError, match=r"v-reason \([0-9a-f]{32}\): its record mlflow-artifacts:/.*/samples\.parquet is not there"
        ) as wrong:
            compared_in(Catalog(elsewhere, server.uri, None))
        assert "s3cret" not in str(wrong.value)
        assert (document, groups) == compared_in(Catalog(root, server.uri, None))[:2]
    finally:
        server.stop()


def named(folder, *about):
    plain = compared.recorded(folder, "x", [])
    made = [replace(plain, variant=variant, config=config, run_id=run_id) for variant, config, run_id in about]
    return unique_names(made)


def test_names(tmp_path) -> None:
    """The variant's, where it is alone; its config before it, or its id behind it, where that is needed, and only there."""
    assert ["a", "b"] == named(tmp_path, ("a", "one", "1"), ("b", "one", "2"))
    assert ["one: a", "two: a", "b"] == named(tmp_path / "2", ("a", "one", "1"), ("a", "two", "2"), ("b", "one", "3"))
    assert ["a 1", "a 2", "b"] == named(tmp_path / "3", ("a", "one", "1"), ("a", "one", "2"), ("b", "one", "3"))
    assert ["a 1", "a 2", "two: a"] == named(tmp_path / "4", ("a", "one", "1"), ("a", "one", "2"), ("a", "two", "3"))


@pytest.mark.parametrize(
    "about",
    [
        [("a", "config", "1"), ("config: a", "x", "2"), ("a", "other", "3")],
        [("a", "one", "1"), ("a", "one", "2"), ("a 1", "one", "3")],
        [("a", "one", "1"), ("a", "one", "2"), ("a 1", "one", "3"), ("a 1", "one", "4"), ("a 1 3", "one", "5")],
        [("a", "", "1"), ("a", "", "2"), (": a", "", "3")],
        [("", "", "1"), ("", "", "2")],
    ],
)
def test_names_that_were_meant_to_confuse(tmp_path, about) -> None:
    """Whatever variants and configs are called, no two runs have one name, in whichever order they come."""
    found = named(tmp_path, *about)
    assert len(about) == len(set(found))
    assert found[::-1] == named(tmp_path / "reversed", *about[::-1])
