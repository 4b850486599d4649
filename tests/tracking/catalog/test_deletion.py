"""vreason_tracking.catalog.deletion: what is deleted, what is refused, and that nothing else goes with it."""

from __future__ import annotations

import pytest

from tests.helpers import readback, run_states
from vreason.errors import TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.deletion import Deletion
from vreason_tracking.journal.lease import Lease
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def catalog(root, tracking_uri, store):
    return lambda: Catalog(root, tracking_uri, "trial")


def deletion(catalog, name, *, journal_too=False, even_undelivered=False):
    return Deletion(catalog.find(name), catalog, journal_too=journal_too, even_undelivered=even_undelivered)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "audit.db") if folder.exists() else []


def test_in_mlflow_only(root, store, catalog) -> None:
    """The run and those of its samples are deleted, others are not, and the journal stays as it is."""
    folder, other = (run_states.finished(root, name, store) for name in ("one", "other"))
    before = names(folder.path)
    gone = deletion(catalog(), "one").carry_out()
    assert ("one", 4, False) == (gone.variant, gone.mlflow_runs, gone.journal)
    left = store.all_runs("", "attributes.start_time ASC")
    marks = readback.read_delivered(other.delivery_log)
    assert {marks.run_id, *marks.samples.values()} == {run.info.run_id for run in left}
    assert before == names(folder.path)


def test_it_can_be_restored(root, store, catalog) -> None:
    """MLflow's deletion is soft."""
    run_states.finished(root, store=store)
    gone = deletion(catalog(), "v-reason").carry_out()
    store.client.restore_run(gone.id)
    assert "FINISHED" == store.client.get_run(gone.id).info.status


def test_both_sides(root, store, catalog) -> None:
    """With the journal too nothing is left of the run, and all of the others."""
    run_states.finished(root, "one", store)
    other = run_states.finished(root, "other", store)
    gone = deletion(catalog(), "one", journal_too=True).carry_out()
    assert (4, True) == (gone.mlflow_runs, gone.journal)
    assert [other.run_id] == names(root)


def test_points_that_are_nowhere_else(root, catalog) -> None:
    """A journal with points that MLflow has not is kept, unless that is said; then it goes."""
    folder = run_states.finished(root)
    with pytest.raises(TrackingError, match=r"183 points of it are not in MLflow; `vreason-track journal deliver .*--even-undelivered"):
        deletion(catalog(), "v-reason", journal_too=True)
    assert folder.path.exists()
    found = deletion(catalog(), "v-reason", journal_too=True, even_undelivered=True)
    assert "183 points that are nowhere else" in found.describe()
    found.carry_out()
    assert not folder.path.exists()


def test_a_run_of_the_journal_only(root, catalog) -> None:
    """Without --journal-too there is nothing to delete, and that is said."""
    run_states.finished(root)
    with pytest.raises(TrackingError, match=r"is in the journal only; --journal-too deletes it there"):
        deletion(catalog(), "v-reason")


def test_deleted_before(root, store, catalog) -> None:
    """What MLflow has deleted already is not deleted twice; its journal still can be."""
    folder = run_states.finished(root, store=store)
    deletion(catalog(), "v-reason").carry_out()
    with pytest.raises(TrackingError, match="is in the journal only"):
        deletion(catalog(), folder.run_id)
    assert 0 == deletion(catalog(), folder.run_id, journal_too=True).carry_out().mlflow_runs


def test_under_way(root, store, catalog) -> None:
    """Here or far away: not while its process lives; a silent one may go."""
    from vreason.clock import unix_ms

    with run_states.running(root, {"s-1": 3}), pytest.raises(TrackingError, match=r"is under way \(process \d+ on .*\); stop that first"):
        deletion(catalog(), "v-reason", journal_too=True, even_undelivered=True)
    run_states.remote(store, "live", started_ms=unix_ms())
    with pytest.raises(TrackingError, match=r"is under way \(a process on far\)"):
        deletion(catalog(), "live")
    run_states.remote(store, "silent", started_ms=1, heard_ms=1)
    assert 1 == deletion(catalog(), "silent").carry_out().mlflow_runs


def test_taken_meanwhile(root, catalog) -> None:
    """Who begins to continue or to deliver the run after the question was answered keeps it."""
    folder = run_states.finished(root)
    found = deletion(catalog(), "v-reason", journal_too=True, even_undelivered=True)
    for lease in (folder.lease, folder.delivery_lease):
        with Lease(lease), pytest.raises(TrackingError, match=r"is in use by process \d+"):
            found.carry_out()
    assert (folder.path / "run.json").exists()
    assert folder.fragments()


def test_links_are_not_followed(root, tmp_path, catalog) -> None:
    """A link in a run's folder goes, what it leads to stays; a run that is itself a link is refused."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    folder = run_states.finished(root, "inner")
    (folder.path / "link").symlink_to(outside)
    deletion(catalog(), "inner", journal_too=True, even_undelivered=True).carry_out()
    assert (False, ["precious"]) == (folder.path.exists(), names(outside))
    elsewhere = run_states.finished(tmp_path / "far", "linked")
    (root / elsewhere.run_id).symlink_to(elsewhere.path)
    with pytest.raises(TrackingError, match=r"is a link to .*; delete it there"):
        deletion(catalog(), "linked", journal_too=True, even_undelivered=True)
    assert elsewhere.fragments()


def test_the_store_that_it_was_delivered_to(root, tmp_path, tracking_uri, store, monkeypatch) -> None:
    """Who names no store gets the one that the run is in; who names another one is told."""
    run_states.finished(root, store=store)
    other = f"sqlite:///{tmp_path}/other.db"
    MlflowStore(other, "trial")
    named = Catalog(root, other, "trial")
    with pytest.raises(TrackingError, match=r"was delivered to sqlite:.*mlflow\.db; name that with --tracking-uri"):
        deletion(named, "v-reason")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)  # no default database here
    assert 4 == deletion(Catalog(root, None, "trial"), "v-reason").carry_out().mlflow_runs
    assert [] == names(below)


def test_a_store_that_is_gone(root, tmp_path, store, catalog) -> None:
    """Nothing of a delivered run is deleted while its store cannot be asked."""
    folder = run_states.finished(root, store=store)
    (tmp_path / "mlflow.db").rename(tmp_path / "away.db")
    with pytest.raises(TrackingError, match="there is no such database"):
        deletion(catalog(), folder.run_id, journal_too=True)
    assert folder.fragments()


def test_a_folder_that_cannot_be_deleted(root, catalog, monkeypatch) -> None:
    """The message names it; by its new name it is no run any more, so that half of one is never taken for one."""
    import shutil

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    folder = run_states.finished(root)
    found = deletion(catalog(), "v-reason", journal_too=True, even_undelivered=True)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(TrackingError, match=r"cannot be deleted \(Permission denied\)"):
        found.carry_out()
    assert (False, []) == (folder.path.exists(), catalog().read_journal().journal)
