"""A consistent copy of the databases and the artifacts, taken while they are in use, and its way back.

    FOLDER/manifest.json      what is in it, with SHA-256 of every file; written last
    FOLDER/audit.db           the audit trail and, where it is the same file, MLflow's tables (SQLite)
    FOLDER/mlflow.db          MLflow's tables, where they are a SQLite file of their own
    FOLDER/database.dump      PostgreSQL, in pg_dump's own format: both
    FOLDER/artifacts/         MLflow's artifacts

Databases are copied first: what a run in them refers to is there already when the artifacts are copied.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from vreason.errors import TrackingError
from vreason_tracking.audit import AuditDatabase, AuditLog
from vreason_tracking.stores import normalised, redact_password, sqlite_path

FORMAT = "vreason-backup/1"
_MANIFEST, _ARTIFACTS, _DUMP = "manifest.json", "artifacts", "database.dump"


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes:
        folder: where it is.
        created: UTC.
        entries: number of entries of the audit trail.
        root: of the tree over them, in hexadecimal.
        files: SHA-256 by path.
    """

    folder: Path
    created: str
    entries: int
    root: str
    files: dict[str, str]


def back_up(folder: Path, database: AuditDatabase, store: str | None = None, artifacts: Path | None = None) -> Backup:
    """Copy everything into a new folder.

    Args:
        folder: must not be there, or be empty.
        database: of the audit trail.
        store: MLflow's address, where its tables are in another SQLite file.
        artifacts: the folder of MLflow's artifacts.

    Raises:
        TrackingError: something cannot be read or written, or pg_dump fails.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TrackingError(f"{folder}: is there already and not empty; name a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if database.dialect == "sqlite":
            _copy_sqlite(_file(database.uri), folder / "audit.db")
        else:
            _dump(database.uri, folder / _DUMP)
        if store is not None and (path := sqlite_path(normalised(store))) is not None and not _same(path, database):
            _copy_sqlite(path, folder / "mlflow.db")
        if artifacts is not None:
            if not artifacts.is_dir():
                raise TrackingError(f"{artifacts}: is no folder of artifacts; name MLflow's with --artifacts")
            shutil.copytree(artifacts, folder / _ARTIFACTS, ignore=shutil.ignore_patterns("*.tmp"))
        state = _state(folder, database)
        digests = dict(_digests(folder))
        created = datetime.now(UTC).isoformat(timespec="seconds")
        head = {"format": FORMAT, "created": created, "dialect": database.dialect, **state, "files": digests}
        (folder / _MANIFEST).write_text(json.dumps(head, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrackingError(f"{error.filename or folder}: {error.strerror}; check the disk and the rights") from error
    return Backup(folder, created, state["entries"], state["root"], digests)


def read_backup(folder: Path) -> Backup:
    """The backup in a folder, each file held against its digest.

    Raises:
        TrackingError: it is none, or a file is missing or changed.
    """
    try:
        head = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrackingError(f"{folder}: is no backup: its {_MANIFEST} cannot be read; name a folder that `db backup` made") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise TrackingError(f"{folder}: is no backup of the form {FORMAT}; name a folder that `db backup` made")
    found = dict(_digests(folder))
    for name in sorted({*head["files"], *found}):
        if head["files"].get(name) != found.get(name):
            what = "is missing" if name not in found else "was added" if name not in head["files"] else "was changed"
            raise TrackingError(f"{folder}: {name} {what} after the backup was taken; take another backup")
    return Backup(folder, head["created"], head["entries"], head["root"], head["files"])


def restore(folder: Path, database: AuditDatabase, store: str | None = None, artifacts: Path | None = None) -> Backup:
    """Bring a backup back, into a database and folders that are empty; the audit trail then has the root that it had.

    Args:
        folder: a backup.
        database, store, artifacts: where to, as in `back_up`.

    Raises:
        TrackingError: the backup is damaged, something is there already, or the tree has another root afterwards.
    """
    backup = read_backup(folder)
    sqlite = database.dialect == "sqlite"
    database.close()
    try:
        if sqlite:
            _put_file(folder / "audit.db", _file(database.uri))
        else:
            if database.version() is not None:
                raise TrackingError(f"{database.address}: has an audit trail already; restore into an empty database")
            _restore_dump(folder / _DUMP, database.uri)
        if (folder / "mlflow.db").exists():
            path = sqlite_path(normalised(store or ""))
            if path is None:
                raise TrackingError(
                    "the backup has MLflow's tables in a file of their own; name where to with --tracking-uri sqlite:///FILE"
                )
            _put_file(folder / "mlflow.db", path)
        if (folder / _ARTIFACTS).exists():
            if artifacts is None:
                raise TrackingError("the backup has artifacts; name where to with --artifacts DIR")
            if artifacts.exists() and any(artifacts.iterdir()):
                raise TrackingError(f"{artifacts}: is not empty; name a new folder with --artifacts")
            shutil.copytree(folder / _ARTIFACTS, artifacts, dirs_exist_ok=True)
    except OSError as error:
        raise TrackingError(f"{error.filename or folder}: {error.strerror}; check the disk and the rights") from error
    state = AuditLog(database).state() if backup.entries else None
    if state is not None and (state.size, state.root.hex()) != (backup.entries, backup.root):
        raise TrackingError(f"{database.address}: the audit trail that was restored is not the one that was backed up; take another backup")
    return backup


def _state(folder: Path, database: AuditDatabase) -> dict[str, Any]:
    """Size and root of the copy, where it is a file; of the database itself otherwise, in which at most later entries came."""
    copied = AuditDatabase(f"sqlite:///{(folder / 'audit.db').absolute()}") if database.dialect == "sqlite" else database
    try:
        log = AuditLog(copied)
        size = log.size() if copied is not database else _dumped_size(folder, log)
        if not size:
            return {"entries": 0, "root": ""}
        state = log.state_at(size)
        return {"entries": state.size, "root": state.root.hex()}
    finally:
        if copied is not database:
            copied.close()
            for ending in ("-wal", "-shm"):
                (folder / f"audit.db{ending}").unlink(missing_ok=True)


def _dumped_size(folder: Path, log: AuditLog) -> int:
    """Entries in a dump: its rows of the table, counted by pg_restore."""
    done = _run("pg_restore", "--data-only", "--schema=vreason", "--table=audit_entries", "--file=-", str(folder / _DUMP))
    lines = done.split("\n")
    start = next((index for index, line in enumerate(lines) if line.startswith("COPY ")), None)
    if start is None:
        return 0
    return next(index for index, line in enumerate(lines[start + 1 :]) if line == "\\.")


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != _MANIFEST:
            with path.open("rb") as file:
                yield str(path.relative_to(folder)), hashlib.file_digest(file, "sha256").hexdigest()


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's own online backup: one state, whatever is written meanwhile."""
    if not source.is_file():
        raise TrackingError(f"{source}: there is no such database; name it with --database or --tracking-uri")
    try:
        with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
            reading.backup(writing)
    except sqlite3.Error as error:
        raise TrackingError(f"{source}: cannot be copied ({error}); check the file and the disk") from error


def _put_file(source: Path, target: Path) -> None:
    if target.exists():
        raise TrackingError(f"{target}: is there already; name another file, or move it away")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _file(uri: str) -> Path:
    path = sqlite_path(uri)
    assert path is not None  # AuditDatabase takes no other SQLite address
    return path


def _same(path: Path, database: AuditDatabase) -> bool:
    return database.dialect == "sqlite" and path.absolute() == _file(database.uri).absolute()


def _dump(uri: str, target: Path) -> None:
    _run("pg_dump", "--format=custom", f"--file={target}", f"--dbname={_libpq(uri)}")


def _restore_dump(source: Path, uri: str) -> None:
    _run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={_libpq(uri)}", str(source))


def _libpq(uri: str) -> str:
    return make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> str:
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise TrackingError(f"{program} is not installed; install PostgreSQL's client programs, of the server's version") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        raise TrackingError(f"{program}: {redact_password(lines[0])}; check the address, and that it is of the server's version")
    return done.stdout
