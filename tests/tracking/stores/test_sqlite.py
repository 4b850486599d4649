"""vreason_tracking.stores.sqlite: an MLflow database in a file made ready."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores import sqlite
from vreason_tracking.stores.sqlite import prepare, sqlite_path


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
    prepare(f"sqlite:///{path}", path)
    assert "wal" == journal_mode(path)
    assert "runs" in tables(path)


def test_a_store_of_mlflows_own_making(tracking_uri, tmp_path) -> None:
    """A file that is there keeps what it holds and goes into WAL mode."""
    from mlflow import MlflowClient

    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    MlflowClient(tracking_uri).create_experiment("before")
    assert "delete" == journal_mode(tmp_path / "mlflow.db")
    prepare(tracking_uri, sqlite_path(tracking_uri))
    prepare(tracking_uri, sqlite_path(tracking_uri))
    assert "wal" == journal_mode(tmp_path / "mlflow.db")
    assert "before" in [experiment.name for experiment in MlflowClient(tracking_uri).search_experiments()]


def test_a_file_that_is_no_database(tmp_path) -> None:
    """It is named and left as it is."""
    path = tmp_path / "mlflow.db"
    path.write_text("dear diary, " * 100)
    with pytest.raises(TrackingError, match=str(path)):
        prepare(f"sqlite:///{path}", path)
    assert "dear diary, " * 100 == path.read_text()


def test_a_folder_in_the_databases_place(tmp_path) -> None:
    """A folder is no database either."""
    with pytest.raises(TrackingError, match=str(tmp_path)):
        prepare(f"sqlite:///{tmp_path}", tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path) -> None:
    """The message names the address and says what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(TrackingError, match=r"file/mlflow\.db.*choose another"):
        prepare(f"sqlite:///{tmp_path}/file/mlflow.db", tmp_path / "file" / "mlflow.db")


def test_a_database_of_another_mlflow(tracking_uri, tmp_path) -> None:
    """A schema that this MLflow does not know ends as a TrackingError that names the database, not as MLflow's own exception."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fedcba987654'")
    with pytest.raises(TrackingError, match=r"mlflow\.db"):
        prepare(tracking_uri, sqlite_path(tracking_uri))


def test_a_file_that_somebody_writes_to(tracking_uri, tmp_path, monkeypatch) -> None:
    """It is busy, not broken: a caller may come again."""
    monkeypatch.setattr(sqlite, "_LOCK_TIMEOUT", 0.05)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingUnavailableError, match=r"mlflow\.db: .*locked"):
            prepare(tracking_uri, tmp_path / "mlflow.db")
    prepare(tracking_uri, tmp_path / "mlflow.db")
