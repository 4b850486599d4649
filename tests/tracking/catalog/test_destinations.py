"""vreason_tracking.catalog.destinations: where a run is delivered, also after its folder has moved."""

from __future__ import annotations

import pytest

from tests.helpers import run_states
from vreason.errors import TrackingError
from vreason_tracking.catalog.destinations import destination, located
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.delivery.checkpoint import DeliveryLog


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


def marked(root, uri):
    """A run that was begun to be delivered there, though it was recorded for somewhere else."""
    folder = run_states.finished(root, tracking_uri="sqlite:////recorded.db")
    log = DeliveryLog(folder.delivery_log)
    log.opened("0" * 32, "1", uri)
    log.close()
    return LocalRun(folder)


def test_the_address_recorded(root) -> None:
    """Where it was recorded for; where it was begun to be delivered, once it was; what is named comes before both."""
    run = LocalRun(run_states.finished(root, tracking_uri="sqlite:////recorded.db"))
    assert "sqlite:////recorded.db" == destination(run, None, {"MLFLOW_TRACKING_URI": "http://other"}).uri
    assert "http://begun" == destination(marked(root, "http://begun"), None, {}).uri
    assert "http://named" == destination(run, "http://named", {}).uri


@pytest.mark.parametrize(
    ("environment", "expected"),
    [("http://me:s3cret@host:5000/", "http://me:s3cret@host:5000/"), ("http://me:s3cret@other:5000/", None), ("", None)],
)
def test_a_password_that_nobody_kept(root, environment, expected) -> None:
    """MLflow's variable gives it, if it names the same place; else the message says what to do."""
    run = LocalRun(run_states.finished(root, tracking_uri="http://me:***@host:5000/"))
    if expected:
        assert expected == destination(run, None, {"MLFLOW_TRACKING_URI": environment}).uri
        return
    with pytest.raises(TrackingError, match=r"for http://me:\*\*\*@host:5000/, and the journal keeps no password; give the whole address"):
        destination(run, None, {"MLFLOW_TRACKING_URI": environment})


def place(recorded, root, *, delivered=False):
    found = located(f"sqlite:///{recorded}", root, "20261120T094512-3f2a9c", delivered=delivered)
    return found.uri, found.note


def test_a_file_that_is_there(root, tmp_path) -> None:
    """It is taken, wherever the journal is."""
    (tmp_path / "mlflow.db").touch()
    assert (f"sqlite:///{tmp_path}/mlflow.db", None) == place(tmp_path / "mlflow.db", root, delivered=True)


def test_a_file_that_never_was(root, tmp_path) -> None:
    """The first delivery of a run that was recorded offline makes the database, in a folder that is there."""
    assert (f"sqlite:///{tmp_path}/new.db", None) == place(tmp_path / "new.db", root)


@pytest.mark.parametrize("delivered", [False, True])
def test_moved_with_its_journal(root, tmp_path, delivered) -> None:
    """The folder of the project has another name now: the database beside the journal is taken, and that is said."""
    (tmp_path / "mlflow.db").touch()
    uri, note = place(tmp_path / "old" / "mlflow.db", root, delivered=delivered)
    assert f"sqlite:///{tmp_path}/mlflow.db" == uri
    assert f"{tmp_path}/old/mlflow.db is not there any more; taken instead: {tmp_path}/mlflow.db, beside the journal" == note
    assert not (tmp_path / "old").exists()


def test_a_file_deleted_from_its_folder(root, tmp_path) -> None:
    """A database that runs were delivered to is not made anew without them: the message names both ways."""
    with pytest.raises(
        TrackingError, match=rf"recorded for {tmp_path}/mlflow.db, which is not there .*--tracking-uri, or make it"
    ) as raised:
        place(tmp_path / "mlflow.db", root, delivered=True)
    assert f"--tracking-uri sqlite:///{tmp_path}/mlflow.db" in str(raised.value)


def test_a_folder_that_is_gone(root, tmp_path) -> None:
    """Nor is a folder made again in which nobody looks any more."""
    with pytest.raises(TrackingError, match=r"old/mlflow\.db, which is not there"):
        place(tmp_path / "old" / "mlflow.db", root)
    assert not (tmp_path / "old").exists()


def test_two_that_might_be_meant(root, tmp_path) -> None:
    """The folder is there and so is a database of this name beside the journal: which one is meant is asked."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(TrackingError, match=rf"--tracking-uri sqlite:///{tmp_path}/mlflow.db, or make it there"):
        place(tmp_path / "elsewhere" / "mlflow.db", root)


def test_what_is_no_file(root) -> None:
    """Servers and words are taken as they were recorded."""
    for uri in ("http://host:5000", "databricks", "postgresql+psycopg://u@h/db", "/some/mlruns"):
        found = located(uri, root, "r", delivered=True)
        assert (uri, None) == (found.uri, found.note)
