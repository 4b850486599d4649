"""vreason_tracking.stores.sqlite: an MLflow database in a file made ready."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import pytest

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores import sqlite
from vreason_tracking.stores.addresses import sqlite_path
from vreason_tracking.stores.mlflow_internals import known_schema_revisions, latest_schema_revision
from vreason_tracking.stores.sqlite import prepare


def journal_mode(path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def tables(path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def set_revision(path, revision: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])


def revision_of(path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def older_revision() -> str:
    return min(known_schema_revisions() - {latest_schema_revision()})


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///mlflow.db", Path("mlflow.db")),
        ("sqlite:////var/lib/mlflow.db", Path("/var/lib/mlflow.db")),
        ("sqlite+pysqlite:///a b.db", Path("a b.db")),
        ("sqlite:///mlflow.db?timeout=5", Path("mlflow.db")),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("sqlite:///file::memory:?cache=shared&uri=true", None),
        ("sqlite:///file:shared?mode=memory&uri=true", None),
        ("sqlite:///file:mlflow.db?uri=true", Path("mlflow.db")),
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
    """A folder is no database either, and no store that is away for a while."""
    with pytest.raises(TrackingError, match=rf"{tmp_path}: is a folder; name a file in it") as raised:
        prepare(f"sqlite:///{tmp_path}", tmp_path)
    assert not isinstance(raised.value, TrackingUnavailableError)


def test_a_folder_that_cannot_be_written(tmp_path) -> None:
    """The message names the address and says what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(TrackingError, match=r"file/mlflow\.db.*choose another"):
        prepare(f"sqlite:///{tmp_path}/file/mlflow.db", tmp_path / "file" / "mlflow.db")


def test_a_database_of_a_newer_mlflow(tracking_uri, tmp_path) -> None:
    """A revision that this MLflow does not know: to upgrade from here cannot help, and is not advised."""
    set_revision(tmp_path / "mlflow.db", "fedcba987654")
    with pytest.raises(TrackingError, match=r'mlflow\.db: .*fedcba987654.*newer MLflow.*pip install "mlflow>') as raised:
        prepare(tracking_uri, sqlite_path(tracking_uri))
    assert "db upgrade" not in str(raised.value)


def test_a_database_of_an_older_mlflow(tracking_uri, tmp_path) -> None:
    """One that holds runs is not touched; the upgrade that helps is named."""
    from mlflow import MlflowClient

    MlflowClient(tracking_uri).create_run("0")
    set_revision(tmp_path / "mlflow.db", older_revision())
    with pytest.raises(TrackingError, match=r"mlflow\.db: .*back it up, then `mlflow db upgrade sqlite:///"):
        prepare(tracking_uri, sqlite_path(tracking_uri))
    assert [] == list(tmp_path.glob("*.incomplete*"))


@pytest.mark.slow
def test_tables_that_nobody_finished(tracking_uri, tmp_path) -> None:
    """An older revision without a single run is what an interrupted creation leaves: it is moved aside, and a new database made."""
    path = tmp_path / "mlflow.db"
    set_revision(path, older_revision())
    prepare(tracking_uri, path)
    assert latest_schema_revision() == revision_of(path)
    assert older_revision() == revision_of(tmp_path / "mlflow.db.incomplete1")


@pytest.mark.slow
@pytest.mark.parametrize("statements", [1, 60, 400])
def test_killed_while_it_is_made(tmp_path, statements) -> None:
    """Killed after so many of MLflow's statements: nothing is in the database's place, and the next one makes it as if nothing had been."""
    path = tmp_path / "mlflow.db"
    code = f"""
        import os, signal, sqlalchemy
        from sqlalchemy import event
        from vreason_tracking.stores.database import prepare
        seen = []
        @event.listens_for(sqlalchemy.engine.Engine, "after_cursor_execute")
        def count(*arguments):
            seen.append(1)
            if len(seen) == {statements}:
                os.kill(os.getpid(), signal.SIGKILL)
        prepare("sqlite:///{path}")
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, timeout=120)
    assert -signal.SIGKILL == killed.returncode, killed.stderr.decode()
    assert not path.exists()
    if statements == 60:  # making it anew takes seconds: once
        prepare(f"sqlite:///{path}", path)
        assert latest_schema_revision() == revision_of(path)
        assert [] == list(tmp_path.glob(".*"))


def test_no_room_while_it_is_made(tmp_path, monkeypatch) -> None:
    """Out of disk: the store is unavailable, not broken, and nothing is left behind."""

    def full(uri):
        Path(uri.removeprefix("sqlite:///")).write_bytes(b"a part")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite, "create_database", full)
    with pytest.raises(TrackingError, match=r"mlflow\.db: MLflow cannot create it .*disk is full.*make room"):
        prepare(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "mlflow.db")
    assert ["mlflow.db.lock"] == [file.name for file in tmp_path.iterdir()]


def test_another_program_makes_it_meanwhile(tmp_path, monkeypatch, mlflow_template) -> None:
    """MLflow's own server knows nothing of the lock: where it was faster, its database stays."""
    path = tmp_path / "mlflow.db"

    def slower(uri):
        shutil.copy(mlflow_template, uri.removeprefix("sqlite:///"))
        shutil.copy(mlflow_template, path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE experiments SET name = 'theirs'")

    monkeypatch.setattr(sqlite, "create_database", slower)
    prepare(f"sqlite:///{path}", path)
    with closing(sqlite3.connect(path)) as connection:
        assert ("theirs",) == connection.execute("SELECT name FROM experiments").fetchone()


@pytest.mark.slow
def test_another_program_is_at_work(tracking_uri, tmp_path, monkeypatch) -> None:
    """Tables that are not whole, but still change, are being made by a server: they are waited for, and stay."""
    path = tmp_path / "mlflow.db"
    set_revision(path, older_revision())
    monkeypatch.setattr(sqlite, "_WATCHED", 0.5)
    server = threading.Timer(0.2, set_revision, (path, latest_schema_revision()))
    server.start()
    prepare(tracking_uri, path)
    server.join()
    assert [] == list(tmp_path.glob("*.incomplete*"))
    assert latest_schema_revision() == revision_of(path)


def test_tables_of_somebody_elses(tmp_path) -> None:
    """A database of another program is not taken for one that nobody finished."""
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
        assert not sqlite._is_half_made(connection)


def test_a_file_that_may_not_be_written(tracking_uri, tmp_path, monkeypatch) -> None:
    """It is a fault, which waiting does not mend. The system's answer is put in its place, for root may write everything."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(TrackingError, match=r"mlflow\.db: this user may not read and write it") as raised:
        prepare(tracking_uri, tmp_path / "mlflow.db")
    assert not isinstance(raised.value, TrackingUnavailableError)


def test_a_file_that_somebody_writes_to(tracking_uri, tmp_path, monkeypatch) -> None:
    """It is busy, not broken: a caller may come again."""
    monkeypatch.setattr(sqlite, "_LOCK_TIMEOUT", 0.05)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingUnavailableError, match=r"mlflow\.db: .*locked"):
            prepare(tracking_uri, tmp_path / "mlflow.db")
    prepare(tracking_uri, tmp_path / "mlflow.db")
