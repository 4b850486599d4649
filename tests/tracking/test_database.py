"""vreason_tracking.database: an MLflow database made ready."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from vreason.errors import TrackingError
from vreason_tracking.database import prepare, sqlite_path, without_password


def journal_mode(path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def tables(path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///mlflow.db", Path("mlflow.db")),
        ("sqlite:////var/lib/mlflow.db", Path("/var/lib/mlflow.db")),
        ("sqlite+pysqlite:///a b.db", Path("a b.db")),
        ("sqlite:///mlflow.db?timeout=5", Path("mlflow.db")),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("http://127.0.0.1:5000", None),
        ("postgresql+psycopg://u:p@h/db", None),
        ("./mlruns", None),
        ("file:./mlruns", None),
        ("databricks", None),
    ],
)
def test_sqlite_path(uri, path) -> None:
    """The file behind a SQLite URI; None for anything else that MLflow may be given."""
    assert path == sqlite_path(uri)


@pytest.mark.parametrize("uri", ["http://localhost:50O0", "postgresql+psycopg://user:secret@host:port/db"])
def test_a_port_that_is_no_number(uri) -> None:
    """A slip in an address is no SQLite file, is left to MLflow to refuse, and its password is not shown either."""
    assert sqlite_path(uri) is None
    assert "secret" not in without_password(uri)
    prepare(uri)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql+psycopg://user:s3cret@host/db", "postgresql+psycopg://user:***@host/db"),
        ("http://user:s3cret@host:5000", "http://user:***@host:5000"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("./mlruns", "./mlruns"),
    ],
)
def test_without_password(uri, shown) -> None:
    """Only a password becomes three stars; everything else stays as it was written."""
    assert shown == without_password(uri)


def test_a_fresh_file(mlflow_template) -> None:
    """It holds MLflow's tables and is in WAL mode, so that a reader never blocks the run."""
    assert {"experiments", "runs", "metrics", "params", "tags"} <= tables(mlflow_template)
    assert "wal" == journal_mode(mlflow_template)


@pytest.mark.slow
def test_folders_are_made(tmp_path) -> None:
    """A database in a folder that does not exist yet is created with it, also over a file of no bytes."""
    path = tmp_path / "deep" / "er" / "mlflow.db"
    path.parent.mkdir(parents=True)
    path.touch()
    prepare(f"sqlite:///{path}")
    assert "wal" == journal_mode(path)
    assert "runs" in tables(path)


def test_a_store_of_mlflows_own_making(tracking_uri, tmp_path) -> None:
    """A file that is there keeps what it holds and goes into WAL mode."""
    from mlflow import MlflowClient

    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    MlflowClient(tracking_uri).create_experiment("before")
    assert "delete" == journal_mode(tmp_path / "mlflow.db")
    prepare(tracking_uri)
    prepare(tracking_uri)
    assert "wal" == journal_mode(tmp_path / "mlflow.db")
    assert "before" in [experiment.name for experiment in MlflowClient(tracking_uri).search_experiments()]


def test_a_file_that_is_no_database(tmp_path) -> None:
    """It is named and left as it is."""
    path = tmp_path / "mlflow.db"
    path.write_text("dear diary, " * 100)
    with pytest.raises(TrackingError, match=str(path)):
        prepare(f"sqlite:///{path}")
    assert "dear diary, " * 100 == path.read_text()


def test_a_folder_in_the_databases_place(tmp_path) -> None:
    """A folder is no database either."""
    with pytest.raises(TrackingError, match=str(tmp_path)):
        prepare(f"sqlite:///{tmp_path}")


def test_a_folder_that_cannot_be_written(tmp_path) -> None:
    """The message names the address and says what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(TrackingError, match=r"file/mlflow\.db.*choose another"):
        prepare(f"sqlite:///{tmp_path}/file/mlflow.db")


def test_a_database_of_another_mlflow(tracking_uri, tmp_path) -> None:
    """A schema that this MLflow does not know ends as a TrackingError that names the database, not as MLflow's own exception."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fedcba987654'")
    with pytest.raises(TrackingError, match=r"mlflow\.db"):
        prepare(tracking_uri)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "postgresql+psycopg://u:p@127.0.0.1:1/db", "sqlite://"])
def test_others_look_after_themselves(uri, tmp_path, monkeypatch) -> None:
    """Nothing is created, asked or waited for where the store is no SQLite file."""
    monkeypatch.chdir(tmp_path)
    prepare(uri)
    assert [] == list(tmp_path.iterdir())


FIRST_RUN = """
import sys
sys.stdin.readline()
from vreason_tracking.mlflow_store import MlflowStore
store = MlflowStore(sys.argv[1], "shared")
run = store.start_run(sys.argv[2], {})
store.log(run, [("entropy", 0.5, 1, 0)])
store.end_run(run, "FINISHED")
"""


@pytest.mark.slow
def test_two_processes_create_it_at_once(tmp_path) -> None:
    """Two first runs that start together both record, into one experiment of a sound database."""
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    command = [sys.executable, "-c", FIRST_RUN, uri]
    both = [
        subprocess.Popen([*command, name], cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in ("a", "b")
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=250)[1] for process in both]
    assert [0, 0] == [process.returncode for process in both], errors
    client = MlflowClient(uri)
    (experiment,) = [found for found in client.search_experiments() if found.name == "shared"]
    runs = client.search_runs([experiment.experiment_id])
    assert {("a", "FINISHED", 0.5), ("b", "FINISHED", 0.5)} == {
        (run.info.run_name, run.info.status, run.data.metrics["entropy"]) for run in runs
    }
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
