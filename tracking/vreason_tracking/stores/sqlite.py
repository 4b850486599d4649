"""Makes an MLflow database in a SQLite file ready: created once, whoever comes first, and in WAL mode."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores.mlflow_internals import open_database
from vreason_tracking.stores.store_errors import failure, is_unavailable, reason_of

_LOCK_TIMEOUT = 30  # seconds that a file which somebody writes to is waited for


def sqlite_path(uri: str) -> Path | None:
    """The file behind a ``sqlite:///`` URI; None for anything else."""
    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        return None
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:" else None


def prepare(uri: str, path: Path) -> None:
    """Create or check the database `uri` in the file `path` under a lock.

    MLflow migrates a fresh file in a few seconds, and two processes that do so at once can leave it broken.

    Raises:
        TrackingError: the folder cannot be written, or the file is not a database.
        TrackingUnavailableError: the file is locked, or its disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            fresh = not path.exists() or path.stat().st_size == 0
            if not fresh:
                _check(path)
            _open(uri, path)
            if fresh:
                _into_wal_mode(path)
    except OSError as error:
        raise failure(error, f"{uri}: cannot be written ({error}); choose another tracking.uri, or check the permissions") from error


def _check(path: Path) -> None:
    """A file that is there must be SQLite."""
    try:
        _into_wal_mode(path)
    except sqlite3.DatabaseError as error:
        if is_unavailable(error):
            raise TrackingUnavailableError(f"{path}: cannot be opened now ({error}); see who else uses it, and start again") from error
        raise TrackingError(f"{path}: is not a usable SQLite database ({error}); move it away, or choose another tracking.uri") from error


def _into_wal_mode(path: Path) -> None:
    """So that a reader never blocks the run; the file keeps it."""
    with closing(sqlite3.connect(path, timeout=_LOCK_TIMEOUT)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _open(uri: str, path: Path) -> None:
    """Have MLflow create the file and its tables, or check their version."""
    try:
        open_database(uri)
    except Exception as error:  # MLflow's and its drivers' own
        hint = f"`mlflow db upgrade {uri}` brings an older one up to date"
        raise failure(error, f"{path}: MLflow cannot open it ({reason_of(error)}); {hint}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold ``<file>.lock`` for as long as the database is being created."""
    with open(f"{os.fspath(path)}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
