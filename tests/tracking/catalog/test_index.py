"""vreason_tracking.catalog.index: both sides of the record as one, and a run by any of its names."""

from __future__ import annotations

import pytest

from tests.helpers import readback, run_states
from tests.helpers.ports import free_port
from tests.helpers.recorded_world import NEWEST_FIRST, PARTS
from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.catalog.index import Catalog
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture(scope="module")
def catalog(world):
    return Catalog(world.root, world.uri, "vreason")


@pytest.fixture(scope="module")
def runs(catalog):
    """By variant."""
    return {run.variant: run for run in catalog.runs}


def test_one_list_of_both_sides(catalog) -> None:
    """Every run once, newest first, whether it is here, there, or both."""
    assert list(NEWEST_FIRST) == [run.variant for run in catalog.runs]


@pytest.mark.parametrize(
    ("name", "here", "there"),
    [("baseline", True, True), ("offline", True, False), ("elsewhere", False, True), ("running", True, False), ("live", False, True)],
)
def test_which_side_knows_it(runs, name, here, there) -> None:
    """Joined by the journal's name for it."""
    assert (here, there, there) == (runs[name].local is not None, runs[name].stored is not None, runs[name].in_store)


def test_the_id_that_is_shown(runs, world) -> None:
    """MLflow's where it is delivered, else the journal's."""
    assert world.stored["baseline"] == runs["baseline"].shown_id
    assert world.local["offline"].run_id == runs["offline"].shown_id
    assert world.stored["elsewhere"] == runs["elsewhere"].shown_id


def test_what_both_sides_say(runs) -> None:
    """Config, identity, provenance and times are the same whichever side tells them."""
    for run in (runs["offline"], runs["elsewhere"]):
        assert ("trial", "4c71d97", "ada", "FINISHED") == (run.config_name, run.tags["git.commit"], run.tags["user"], run.status)
    assert PARTS == runs["v-reason"].identity
    assert (None, None) == (runs["running"].ended_ms, runs["live"].ended_ms)
    assert all(runs[name].ended_ms for name in ("offline", "elsewhere", "interrupted"))


def test_the_journal_knows_better(tracking_uri, store, tmp_path) -> None:
    """A run whose process was killed is KILLED, although its store believes that it runs."""
    folder = run_states.killed(tmp_path / "journal", tracking_uri=tracking_uri)
    readback.deliver(folder, store)
    (run,) = Catalog(tmp_path / "journal", tracking_uri, "trial").runs
    assert run.stored is not None
    assert ("KILLED", "RUNNING") == (run.status, run.stored.run.info.status)


def test_other_experiments(world) -> None:
    """Only one experiment's runs, unless all are asked for."""
    assert ["far"] == [run.variant for run in Catalog(world.root, world.uri, "other").runs]
    everything = Catalog(world.root, world.uri, None)
    assert {*NEWEST_FIRST, "far"} == {run.variant for run in everything.runs}


def test_without_a_store(world, tmp_path) -> None:
    """The journal's runs are there, the trouble says why no others are, and no database is made."""
    catalog = Catalog(world.root, f"sqlite:///{tmp_path}/none.db", "vreason")
    assert [name for name in NEWEST_FIRST if name in world.local] == [run.variant for run in catalog.runs]
    assert "there is no such database" in str(catalog.store_error)
    assert {None} == {run.in_store for run in catalog.runs if run.mlflow_id}
    assert [] == list(tmp_path.iterdir())


def test_a_store_that_is_away(world, monkeypatch) -> None:
    """A server that does not answer is trouble within seconds, not minutes."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.setenv(name, "1")  # kept as they are; and restored
    catalog = Catalog(world.root, f"http://me:s3cret@127.0.0.1:{free_port()}", "vreason")
    assert len(catalog.runs) == len([name for name in NEWEST_FIRST if name in world.local])
    assert isinstance(catalog.store_error, TrackingUnavailableError)
    assert "s3cret" not in str(catalog.store_error) + catalog.address


def test_without_a_journal(world, tmp_path) -> None:
    """The store's runs are there."""
    catalog = Catalog(tmp_path / "none", world.uri, "vreason")
    assert set(world.stored) == {run.variant for run in catalog.runs}
    assert catalog.store_error is None


def test_damaged_manifests(catalog, world) -> None:
    """They are named, and the other runs are listed."""
    assert [world.local["broken"].run_id] == [run.run_id for run in catalog.damaged]
    assert "broken" not in {run.variant for run in catalog.runs}


def test_by_every_name(catalog, world) -> None:
    """Journal id, MLflow id, the beginning of either, and the variant mean the same run."""
    journal, mlflow = world.local["baseline"].run_id, world.stored["baseline"]
    others = [name for run in catalog.runs if run.variant != "baseline" for name in run.ids]

    def beginning(whole: str) -> str:
        return next(whole[:n] for n in range(1, 33) if not any(name.startswith(whole[:n]) for name in others))

    names = [journal, mlflow, beginning(journal), beginning(mlflow), "baseline"]
    assert [journal] * 5 == [catalog.find(name).journal_id for name in names]


def test_a_whole_journal_id_needs_no_store(world) -> None:
    """It is found without a look at the store, which may be away."""
    catalog = Catalog(world.root, "http://127.0.0.1:9", "vreason")
    assert world.local["offline"].run_id == catalog.find(world.local["offline"].run_id).journal_id
    assert catalog.store_error is None


def test_the_newest_of_a_name(tracking_uri, store, tmp_path) -> None:
    """Of both sides together."""
    run_states.finished(tmp_path / "journal", created_ms=2_000)
    there = run_states.remote(store, "v-reason", started_ms=3_000)
    assert there == Catalog(tmp_path / "journal", tracking_uri, "trial").find("v-reason").mlflow_id
    here = run_states.finished(tmp_path / "journal", created_ms=4_000)
    assert here.run_id == Catalog(tmp_path / "journal", tracking_uri, "trial").find("v-reason").journal_id


def test_a_run_of_another_experiment(world, catalog) -> None:
    """The journal is searched in all experiments: a name is enough."""
    assert world.local["far"].run_id == catalog.find("far").journal_id


def test_a_beginning_of_several(catalog) -> None:
    """It is refused, with how many it fits and what to do."""
    with pytest.raises(TrackingError, match=r"'20' is the beginning of \d+ run ids in .*; give more of it"):
        catalog.find("20")


@pytest.mark.parametrize("name", ["nothing", "", "zz"])
def test_an_unknown_run(catalog, name) -> None:
    """The message names both places and the newest runs, and that one could not be read."""
    with pytest.raises(TrackingError) as caught:
        catalog.find(name)
    parts = [f"no run {name!r} in the journal {catalog.root} or in {catalog.uri}", "(live)", "1 run(s) of the journal cannot be read"]
    assert [] == [part for part in parts if part not in str(caught.value)]


def test_an_unknown_run_and_no_store(world, tmp_path) -> None:
    """That the store was not searched is said, with why."""
    with pytest.raises(TrackingError, match=r"no run 'live' in the journal .*; the store was not searched: .* there is no such database"):
        Catalog(world.root, f"sqlite:///{tmp_path}/none.db", "vreason").find("live")


def test_nothing_recorded_yet(tracking_uri, store, tmp_path) -> None:
    """An empty store and no journal: none yet."""
    with pytest.raises(TrackingError, match="the newest are: none yet"):
        Catalog(tmp_path / "journal", tracking_uri, "trial").find("v-reason")


def test_deleted_in_the_store(tracking_uri, store, tmp_path) -> None:
    """A run that MLflow has no more is shown by its journal's name."""
    folder = run_states.finished(tmp_path / "journal", store=store, tracking_uri=tracking_uri)
    (run,) = Catalog(tmp_path / "journal", tracking_uri, "trial").runs
    store.client.delete_run(run.shown_id)
    (run,) = Catalog(tmp_path / "journal", tracking_uri, "trial").runs
    assert (folder.run_id, False) == (run.shown_id, run.in_store)


def test_delivered_to_another_store(tracking_uri, store, tmp_path) -> None:
    """Whether a store that nobody looked at still has a run is not known."""
    folder = run_states.finished(tmp_path / "journal", store=store)
    other = f"sqlite:///{tmp_path}/other.db"
    MlflowStore(other, "trial")
    (run,) = Catalog(tmp_path / "journal", other, "trial").runs
    assert (None, run.mlflow_id) == (run.in_store, run.shown_id)
    assert folder.run_id == run.journal_id


def test_doubles_in_the_store(tracking_uri, store, tmp_path) -> None:
    """Of two runs of the store that claim one journal's name, the one that the marks name is joined; the other stands alone."""
    folder = run_states.finished(tmp_path / "journal", store=store, created_ms=9_000)
    double = store.start_run("v-reason", {"vreason.kind": "variant", "vreason.run_id": folder.run_id}, started_ms=9_001)
    runs = Catalog(tmp_path / "journal", tracking_uri, "trial").runs
    assert [(None, double), (folder.run_id, runs[1].mlflow_id)] == [(run.local and run.local.run_id, run.mlflow_id) for run in runs]
    assert double != runs[1].mlflow_id


def test_a_name_that_begins_ids(tracking_uri, store, tmp_path) -> None:
    """A variant's name comes before the beginnings of ids: of an id more can be given, of a name not."""
    folder = run_states.finished(tmp_path / "journal", "2")  # ids of the journal begin with the year
    run_states.finished(tmp_path / "journal", "other")
    assert folder.run_id == Catalog(tmp_path / "journal", tracking_uri, "trial").find("2").journal_id
