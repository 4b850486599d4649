"""vreason_tracking.catalog.stored_run: how a run stands, as far as an MLflow store tells."""

from __future__ import annotations

import pytest

from tests.helpers import old_records, run_states
from tests.helpers.recorded_world import DAY, SILENT_MINUTES
from vreason.clock import unix_ms
from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.catalog.stored_run import SILENT_MS, StoredRun, stored_runs, translate_store_errors
from vreason_tracking.records.tags import DONE_TAG, HEARTBEAT_TAG
from vreason_tracking.stores.mlflow_store import MlflowStore

NOW = unix_ms()


@pytest.fixture(scope="module")
def runs(world):
    """The store's runs by name."""
    return {run.name: run for run in stored_runs(MlflowStore(world.uri, "vreason"))}


def test_the_variants_runs(runs, world) -> None:
    """One for each that is delivered or far away; runs of samples are none of them."""
    assert world.stored == {name: run.run_id for name, run in runs.items()}
    assert {"vreason"} == {run.experiment for run in runs.values()}


def test_newest_first(world) -> None:
    """In the order in which they were begun."""
    assert ["live", "baseline", "v-reason", "silent", "elsewhere"] == [run.name for run in stored_runs(MlflowStore(world.uri, "vreason"))]


@pytest.mark.parametrize(
    ("name", "status", "done", "expected_samples"),
    [("live", "RUNNING", 2, 5), ("silent", "SILENT", 0, None), ("elsewhere", "FINISHED", 3, 3), ("v-reason", "FINISHED", 3, 3)],
)
def test_how_it_stands(runs, name, status, done, expected_samples) -> None:
    """Status, and how many samples are done of how many; nobody says how many a run of an older version was to ask."""
    assert (status, done, expected_samples) == (runs[name].status, runs[name].done, runs[name].expected_samples)


def test_accuracy_and_times(runs) -> None:
    """A finished run has both; one that is under way has no end and no accuracy."""
    assert (pytest.approx(1.4 / 3), True) == (runs["baseline"].accuracy, runs["baseline"].ended_ms is not None)
    assert (None, None) == (runs["live"].accuracy, runs["live"].ended_ms)


def test_runs_of_the_first_version(tmp_path) -> None:
    """Figures are there under the names that they have now, the same ones; progress is told by the series that it recorded."""
    store = MlflowStore(old_records.unpack(tmp_path).uri, "vreason", create=False)
    found = {run.journal_id: run for run in stored_runs(store)}["20261126T003037-205d36"]
    assert (1.0, 34.25, 4.0) == (found.accuracy, found.metrics["tokens/mean"], found.metrics["samples/answered"])
    assert sorted(found.run.data.metrics.values()) == sorted(found.metrics.values())
    store.delete_tag(found.run_id, DONE_TAG)
    assert 4 == StoredRun(store.client.get_run(found.run_id), store).done


def test_progress_of_a_run_that_two_versions_recorded(store) -> None:
    """An earlier one began it, this one goes on: what either has told counts."""
    run_id = run_states.remote(store, "x", started_ms=NOW)
    told = []
    for name, steps in (("live.failed", (1, 2)), ("live/failed", (1,)), ("live/failed", (2, 3))):
        store.log(run_id, [(name, 0.0, NOW + step, step) for step in steps])
        told.append(StoredRun(store.client.get_run(run_id), store, NOW).done)
    assert [2, 2, 3] == told


def test_silence(runs) -> None:
    """Since the last heartbeat, once that is too long ago."""
    assert SILENT_MINUTES <= runs["silent"].silent_ms / 60_000 < SILENT_MINUTES + 60
    assert runs["live"].silent_ms is None


@pytest.mark.parametrize(("ago", "status"), [(SILENT_MS - 1, "RUNNING"), (SILENT_MS, "SILENT")])
def test_from_when_on_a_run_is_silent(store, ago, status) -> None:
    """From exactly so many milliseconds on."""
    run_id = run_states.remote(store, "x", started_ms=NOW - DAY, heard_ms=NOW - ago)
    assert status == StoredRun(store.client.get_run(run_id), store, NOW).status


def test_a_run_that_has_not_beaten(store) -> None:
    """Until its first heartbeat, and where the tag is nonsense, its beginning counts."""
    run_id = run_states.remote(store, "x", started_ms=NOW - DAY, **{HEARTBEAT_TAG: "soon"})
    assert NOW - DAY == StoredRun(store.client.get_run(run_id), store, NOW).heard_ms


def test_silence_ends_with_the_run(store) -> None:
    """Who has ended owes no heartbeat."""
    run_id = run_states.remote(store, "x", started_ms=NOW - DAY, heard_ms=NOW - DAY)
    store.end_run(run_id, "FAILED", NOW)
    run = StoredRun(store.client.get_run(run_id), store, NOW)
    assert ("FAILED", None, NOW) == (run.status, run.silent_ms, run.ended_ms)


def test_all_experiments(tracking_uri) -> None:
    """A store that is opened without an experiment has the runs of all, each with the name of its own."""
    for name in ("one", "two"):
        run_states.remote(MlflowStore(tracking_uri, name), f"v-{name}", started_ms=NOW)
    assert {"v-one": "one", "v-two": "two"} == {run.name: run.experiment for run in stored_runs(MlflowStore(tracking_uri, None))}


def test_an_answer_that_is_none(store, tmp_path) -> None:
    """A database that loses its tables while it is open: a TrackingError with the address and what to do, no error of MLflow's."""
    import sqlite3

    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DROP TABLE tags")
    with pytest.raises(TrackingError, match=r"mlflow.db: does not answer as it should .*; check it with `vreason-track doctor`"):
        stored_runs(store)


def test_what_may_pass(store) -> None:
    """An error that may pass stays one, so that callers can try again; ours go through unchanged; other faults are not hidden."""
    with pytest.raises(TrackingUnavailableError), translate_store_errors(store):
        raise ConnectionResetError("gone")
    with pytest.raises(TrackingError, match=r"^mine$"), translate_store_errors(store):
        raise TrackingError("mine")
    with pytest.raises(ZeroDivisionError), translate_store_errors(store):
        _ = 1 / 0
