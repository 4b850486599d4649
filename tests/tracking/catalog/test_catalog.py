"""vreason_tracking.catalog.catalog: as much of both sides of the record is read as was asked for."""

from __future__ import annotations

import pytest

from tests.helpers import run_states
from tests.helpers.ports import free_port
from tests.helpers.recorded_world import NEWEST_FIRST
from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.catalog.catalog import Catalog


def test_other_experiments(world) -> None:
    """Only one experiment's runs, unless all are asked for."""
    assert ["far"] == [run.variant for run in Catalog(world.root, world.uri, "other").read().runs]
    assert {*NEWEST_FIRST, "far"} == {run.variant for run in Catalog(world.root, world.uri, None).read().runs}


def test_without_a_store(world, tmp_path) -> None:
    """The journal's runs are there, the trouble says why no others are, and no database is made."""
    index = Catalog(world.root, f"sqlite:///{tmp_path}/none.db", "vreason").read()
    assert [name for name in NEWEST_FIRST if name in world.local] == [run.variant for run in index.runs]
    assert "there is no such database" in str(index.store_error)
    assert {None} == {run.in_store for run in index.runs if run.mlflow_id}
    assert [] == list(tmp_path.iterdir())


def test_a_store_that_is_away(world, monkeypatch) -> None:
    """A server that does not answer is trouble within seconds, not minutes."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.setenv(name, "1")  # kept as they are; and restored
    index = Catalog(world.root, f"http://me:s3cret@127.0.0.1:{free_port()}", "vreason").read()
    assert len(index.runs) == len([name for name in NEWEST_FIRST if name in world.local])
    assert isinstance(index.store_error, TrackingUnavailableError)
    assert "s3cret" not in str(index.store_error) + index.address


def test_without_a_journal(world, tmp_path) -> None:
    """The store's runs are there."""
    index = Catalog(tmp_path / "none", world.uri, "vreason").read()
    assert set(world.stored) == {run.variant for run in index.runs}
    assert (None, True) == (index.store_error, index.store_tried)


def test_a_whole_journal_id_needs_no_store(world) -> None:
    """It is found without a look at the store, which may be away; so is MLflow's id of a run of the journal."""
    names = [world.local["offline"].run_id, world.stored["baseline"]]
    found = Catalog(world.root, "http://127.0.0.1:9", "vreason").find_all(names)
    assert (["offline", "baseline"], False) == ([run.variant for run in found.runs], found.index.store_tried)


def test_the_newest_of_a_name(tracking_uri, store, tmp_path) -> None:
    """Of both sides together."""
    run_states.finished(tmp_path / "journal", created_ms=2_000)
    there = run_states.remote(store, "v-reason", started_ms=3_000)
    assert there == Catalog(tmp_path / "journal", tracking_uri, "trial").find("v-reason").mlflow_id
    here = run_states.finished(tmp_path / "journal", created_ms=4_000)
    assert here.run_id == Catalog(tmp_path / "journal", tracking_uri, "trial").find("v-reason").journal_id


def test_an_unknown_run_and_no_store(world, tmp_path) -> None:
    """That the store was not searched is said, with why."""
    with pytest.raises(TrackingError, match=r"no run 'live' in the journal .*; the store was not searched: .* there is no such database"):
        Catalog(world.root, f"sqlite:///{tmp_path}/none.db", "vreason").find("live")


def test_nothing_recorded_yet(tracking_uri, store, tmp_path) -> None:
    """An empty store and no journal: none yet."""
    with pytest.raises(TrackingError, match="the newest are: none yet"):
        Catalog(tmp_path / "journal", tracking_uri, "trial").find("v-reason")


def test_several_names(world) -> None:
    """In their order, each as `find` has it; the store is asked once, by the first name that needs it."""
    catalog = Catalog(world.root, world.uri, "vreason")
    found = catalog.find_all([world.local["offline"].run_id, "elsewhere", "live", "far"])
    assert ["offline", "elsewhere", "live", "far"] == [run.variant for run in found.runs]
    assert [None, found.index.store, found.index.store, None] == [run.stored and run.stored.store for run in found.runs]


def test_more_names_later(world) -> None:
    """What was read before is not read again."""
    catalog = Catalog(world.root, world.uri, "vreason")
    first = catalog.find_all(["offline"])
    later = catalog.find_all(["live", world.local["offline"].run_id], first.index)
    assert later.index is first.index
    assert first.index is catalog.read_store(first.index)
    assert later.runs[1].local is first.runs[0].local


def test_the_first_unknown_name(world) -> None:
    """It is the one that the message names."""
    with pytest.raises(TrackingError, match="no run 'nobody'"):
        Catalog(world.root, world.uri, "vreason").find_all(["baseline", "nobody", "nobody else"])


def test_the_journal_alone(world) -> None:
    """The store is not asked: that it is unavailable shows nowhere, and of no run is known whether it is there."""
    index = Catalog(world.root, "http://127.0.0.1:9", "vreason").read_journal()
    assert [name for name in NEWEST_FIRST if name in world.local] == [run.variant for run in index.runs]
    assert {"far"} == {run.variant for run in index.journal} - {run.variant for run in index.runs}
    assert (False, None, {None}) == (index.store_tried, index.store_error, {run.in_store for run in index.runs})


def test_the_store_alone(world, tmp_path) -> None:
    """Opened, and not read; where it is not there, that is told, and no database is made."""
    opened = Catalog(tmp_path / "none", world.uri, "vreason").open_store()
    assert ("vreason", None) == (opened.store and opened.store.experiments[opened.store.experiment_id], opened.store_error)
    away = Catalog(tmp_path / "none", f"sqlite:///{tmp_path}/none.db", "vreason").open_store()
    assert (None, True) == (away.store, "there is no such database" in str(away.store_error))
    assert [] == list(tmp_path.iterdir())


def test_a_store_that_cannot_be_searched(tracking_uri, store, tmp_path) -> None:
    """It is there, opened, beside why its runs are not listed."""
    import sqlite3

    run_states.finished(tmp_path / "journal", store=store)
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DROP TABLE tags")
    index = Catalog(tmp_path / "journal", tracking_uri, "trial").read()
    assert ("does not answer as it should" in str(index.store_error), True) == (True, index.store is not None)
    assert [None] == [run.in_store for run in index.runs]


@pytest.mark.parametrize(
    ("variable", "given", "named"), [(None, None, False), ("sqlite:///x.db", None, True), (None, "sqlite:///x.db", True)]
)
def test_whether_a_store_was_named(tmp_path, monkeypatch, variable, given, named) -> None:
    """Here, or in MLflow's variable."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if variable:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    catalog = Catalog(tmp_path, given, None)
    assert (named, "sqlite:///x.db" if named else "sqlite:///mlflow.db") == (catalog.named, catalog.uri)


def test_a_journal_that_is_a_file(tmp_path) -> None:
    """It is an error, not an empty journal."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="is a file, and a journal is a folder"):
        Catalog(tmp_path / "file", f"sqlite:///{tmp_path}/none.db", None).read()
