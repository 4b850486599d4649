"""vreason_tracking.catalog.index: both sides of the record as one list, as they were read, and a run by any of its names."""

from __future__ import annotations

import shutil
from dataclasses import FrozenInstanceError, fields

import pytest

from tests.helpers import run_states
from tests.helpers.recorded_world import NEWEST_FIRST
from vreason.errors import TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.index import CatalogIndex
from vreason_tracking.catalog.run import Run
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture(scope="module")
def index(world):
    return Catalog(world.root, world.uri, "vreason").read()


def test_one_list_of_both_sides(index) -> None:
    """Every run once, newest first, whether it is here, there, or both."""
    assert list(NEWEST_FIRST) == [run.variant for run in index.runs]


def test_damaged_manifests(index, world) -> None:
    """They are named, and the other runs are listed."""
    assert [world.local["broken"].run_id] == [run.run_id for run in index.damaged]
    assert "broken" not in {run.variant for run in index.runs}


def test_by_every_name(index, world) -> None:
    """Journal id, MLflow id, the beginning of either, and the variant mean the same run."""
    journal, mlflow = world.local["baseline"].run_id, world.stored["baseline"]
    others = [name for run in index.runs if run.variant != "baseline" for name in run.ids]

    def beginning(whole: str) -> str:
        return next(whole[:n] for n in range(1, 33) if not any(name.startswith(whole[:n]) for name in others))

    names = [journal, mlflow, beginning(journal), beginning(mlflow), "baseline"]
    assert [journal] * 5 == [index.find(name).journal_id for name in names]


def test_a_beginning_of_several(index) -> None:
    """It is refused, with how many it fits and what to do."""
    with pytest.raises(TrackingError, match=r"'20' is the beginning of \d+ run ids in .*; give more of it"):
        index.find("20")


@pytest.mark.parametrize("name", ["nothing", "", "zz"])
def test_an_unknown_run(index, name) -> None:
    """The message names both places and the newest runs, and that one could not be read."""
    with pytest.raises(TrackingError) as caught:
        index.find(name)
    parts = [f"no run {name!r} in the journal {index.root} or in {index.address}", "(live)", "1 run(s) of the journal cannot be read"]
    assert [] == [part for part in parts if part not in str(caught.value)]


def test_a_run_of_another_experiment(index, world) -> None:
    """The journal is searched in all experiments: a name is enough."""
    assert world.local["far"].run_id == index.find("far").journal_id


def test_deleted_in_the_store(tracking_uri, store, tmp_path) -> None:
    """A run that MLflow has no more is shown by its journal's name."""
    folder = run_states.finished(tmp_path / "journal", store=store, tracking_uri=tracking_uri)
    (run,) = Catalog(tmp_path / "journal", tracking_uri, "trial").read().runs
    store.client.delete_run(run.shown_id)
    (run,) = Catalog(tmp_path / "journal", tracking_uri, "trial").read().runs
    assert (folder.run_id, False) == (run.shown_id, run.in_store)


def test_delivered_to_another_store(tracking_uri, store, tmp_path) -> None:
    """Whether a store that nobody looked at still has a run is not known."""
    folder = run_states.finished(tmp_path / "journal", store=store)
    other = f"sqlite:///{tmp_path}/other.db"
    MlflowStore(other, "trial")
    (run,) = Catalog(tmp_path / "journal", other, "trial").read().runs
    assert (None, run.mlflow_id) == (run.in_store, run.shown_id)
    assert folder.run_id == run.journal_id


def test_doubles_in_the_store(tracking_uri, store, tmp_path) -> None:
    """Of two runs of the store that claim one journal's name, the one that the marks name is joined; the other stands alone."""
    folder = run_states.finished(tmp_path / "journal", store=store, created_ms=9_000)
    double = store.start_run("v-reason", {"vreason.kind": "variant", "vreason.run_id": folder.run_id}, started_ms=9_001)
    runs = Catalog(tmp_path / "journal", tracking_uri, "trial").read().runs
    assert [(None, double), (folder.run_id, runs[1].mlflow_id)] == [(run.local and run.local.run_id, run.mlflow_id) for run in runs]
    assert double != runs[1].mlflow_id


def test_a_name_that_begins_ids(tracking_uri, store, tmp_path) -> None:
    """A variant's name comes before the beginnings of ids: of an id more can be given, of a name not."""
    folder = run_states.finished(tmp_path / "journal", "2")  # ids of the journal begin with the year
    run_states.finished(tmp_path / "journal", "other")
    assert folder.run_id == Catalog(tmp_path / "journal", tracking_uri, "trial").find("2").journal_id


PROPERTIES = sorted(name for name in vars(Run) if isinstance(vars(Run)[name], property) and not name.startswith("_"))


def test_nothing_is_read_later(tracking_uri, store, tmp_path) -> None:
    """Journal and store may go away: what was read stays as it was, every property of every run included."""
    root = tmp_path / "journal"
    run_states.finished(root, "here", created_ms=1_000)
    run_states.finished(root, "both", store=store, created_ms=2_000)
    run_states.killed(root, "dead", created_ms=3_000)
    run_states.remote(store, "there", started_ms=4_000)
    wanted = Catalog(root, tracking_uri, "trial").read()
    index = Catalog(root, tracking_uri, "trial").read()
    before = [[getattr(run, name) for name in PROPERTIES] for run in wanted.runs]
    shutil.rmtree(root)
    for path in tmp_path.glob("mlflow.db*"):
        path.unlink()
    assert ["there", "dead", "both", "here"] == [run.variant for run in index.runs]
    assert before == [[getattr(run, name) for name in PROPERTIES] for run in index.runs]
    assert [run.shown_id for run in index.runs] == [index.find(name).shown_id for name in ("there", "dead", "both", "here")]
    assert (None, [], True) == (index.store_error, index.damaged, index.store_tried)


@pytest.mark.parametrize("name", [field.name for field in fields(CatalogIndex)])
def test_it_cannot_be_changed(index, name) -> None:
    """What comes to light after the reading is told by whoever meets it."""
    with pytest.raises(FrozenInstanceError):
        setattr(index, name, None)
