"""vreason_migrations.backup: what was copied while it was in use comes back with the chain and every digest."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading

import pytest

from tests.helpers.postgres import _binaries, _ordinary_user
from vreason.errors import TrackingError
from vreason_migrations import back_up, restore, upgrade
from vreason_migrations.backup import read_backup
from vreason_tracking.audit import AuditDatabase, AuditLog, NewEntry, local_uri, verify_log


def filled(uri: str, entries: int = 5) -> AuditLog:
    database = AuditDatabase(uri)
    upgrade(database)
    log = AuditLog(database)
    log.append([NewEntry("run.started", "ada", f"run:{number}") for number in range(entries)])
    return log


@pytest.fixture
def artifacts(tmp_path):
    folder = tmp_path / "artifacts"
    (folder / "1" / "run").mkdir(parents=True)
    (folder / "1" / "run" / "samples.parquet").write_bytes(b"PAR1" * 100)
    return folder


def test_there_and_back(tmp_path, artifacts) -> None:
    """The log has its root, the artifacts their bytes, MLflow's tables their rows."""
    import sqlite3

    log = filled(local_uri(tmp_path / "own.db"))
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("CREATE TABLE runs (name TEXT)")
        connection.execute("INSERT INTO runs VALUES ('one')")
    made = back_up(tmp_path / "backup", log.database, f"sqlite:///{tmp_path}/mlflow.db", artifacts)
    assert ["artifacts/1/run/samples.parquet", "audit.db", "mlflow.db"] == sorted(made.files)
    restored = AuditDatabase(local_uri(tmp_path / "new.db"))
    back = restore(tmp_path / "backup", restored, f"sqlite:///{tmp_path}/new-mlflow.db", tmp_path / "new-artifacts")
    assert (6, log.state().root.hex()) == (back.entries, back.root)
    assert verify_log(AuditLog(restored), None).intact
    assert b"PAR1" * 100 == (tmp_path / "new-artifacts" / "1" / "run" / "samples.parquet").read_bytes()
    with sqlite3.connect(tmp_path / "new-mlflow.db") as connection:
        assert [("one",)] == connection.execute("SELECT * FROM runs").fetchall()


def test_while_entries_are_made(tmp_path) -> None:
    """A backup that is taken while others append is of one state, and intact."""
    log = filled(local_uri(tmp_path / "own.db"))
    stop = threading.Event()

    def append() -> None:
        own = AuditLog(AuditDatabase(log.database.uri))
        while not stop.is_set():
            own.append([NewEntry("run.started", "bob", "run:9")])

    thread = threading.Thread(target=append)
    thread.start()
    try:
        made = [back_up(tmp_path / f"backup-{number}", log.database) for number in range(3)]
    finally:
        stop.set()
        thread.join()
    for number, each in enumerate(made):
        copy = AuditDatabase(local_uri(tmp_path / f"copy-{number}.db"))
        restore(each.folder, copy)
        assert (True, each.entries) == (verify_log(AuditLog(copy), None).intact, AuditLog(copy).size())
    assert made[0].entries <= made[1].entries <= made[2].entries <= log.size()


def test_postgres(postgres, tmp_path, monkeypatch) -> None:
    """pg_dump and pg_restore, into an empty database: the log with its root."""
    monkeypatch.setenv("PATH", f"{_binaries(tmp_path, _ordinary_user())}:{__import__('os').environ['PATH']}")
    if shutil.which("pg_dump") is None or not _same_major(postgres):
        pytest.skip("the server is not of pg_dump's version here")
    source, target = postgres.create(), postgres.create()
    log = filled(postgres.uri(source))
    made = back_up(tmp_path / "backup", log.database)
    assert (["database.dump"], 6) == (sorted(made.files), made.entries)
    restored = AuditDatabase(postgres.uri(target))
    assert 6 == restore(tmp_path / "backup", restored).entries
    assert verify_log(AuditLog(restored), None).intact
    with pytest.raises(TrackingError, match="restore into an empty database"):
        restore(tmp_path / "backup", restored)
    for database in (log.database, restored):
        database.close()
    postgres.drop(source)
    postgres.drop(target)


def _same_major(postgres) -> bool:
    own = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True).stdout.split()[2].split(".")[0]
    return own == postgres.execute("SHOW server_version")[0][0].split(".")[0]


@pytest.mark.parametrize("what", ["changed", "missing", "added"])
def test_a_backup_that_was_touched(tmp_path, artifacts, what) -> None:
    """A changed, missing or added file is named, and nothing is restored."""
    back_up(tmp_path / "backup", filled(local_uri(tmp_path / "own.db")).database, None, artifacts)
    path = tmp_path / "backup" / "artifacts" / "1" / "run" / "samples.parquet"
    if what == "changed":
        path.write_bytes(b"PAR2")
    elif what == "missing":
        path.unlink()
    else:
        path.with_name("more").write_text("x")
    with pytest.raises(TrackingError, match=f"was {what}" if what != "missing" else "is missing"):
        restore(tmp_path / "backup", AuditDatabase(local_uri(tmp_path / "new.db")), None, tmp_path / "new")
    assert not (tmp_path / "new.db").exists()
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_over(tmp_path, artifacts) -> None:
    """A folder, a database or artifacts that are there stay, each with what to do."""
    log = filled(local_uri(tmp_path / "own.db"))
    back_up(tmp_path / "backup", log.database, None, artifacts)
    with pytest.raises(TrackingError, match="is there already and not empty"):
        back_up(tmp_path / "backup", log.database)
    with pytest.raises(TrackingError, match=r"own\.db: is there already"):
        restore(tmp_path / "backup", log.database)
    with pytest.raises(TrackingError, match="is not empty"):
        restore(tmp_path / "backup", AuditDatabase(local_uri(tmp_path / "new.db")), None, artifacts)
    with pytest.raises(TrackingError, match="name where to with --artifacts"):
        restore(tmp_path / "backup", AuditDatabase(local_uri(tmp_path / "new2.db")))


def test_what_is_no_backup(tmp_path) -> None:
    """An empty folder, and one with another manifest."""
    with pytest.raises(TrackingError, match="is no backup"):
        read_backup(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(TrackingError, match="is no backup of the form"):
        read_backup(tmp_path)


def test_a_missing_program(tmp_path, monkeypatch) -> None:
    """Without pg_dump the message says what to install."""
    from vreason_migrations.backup import _run

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrackingError, match="pg_dump is not installed; install PostgreSQL's client programs"):
        _run("pg_dump", "--version")
    assert sys.executable
