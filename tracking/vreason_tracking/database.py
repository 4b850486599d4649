"""Makes an MLflow SQL database ready: created once, whoever comes first, and in WAL mode where it is SQLite."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from vreason.errors import TrackingError


def sqlite_path(uri: str) -> Path | None:
    """The file behind a ``sqlite:///`` URI; None for anything else."""
    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        return None
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:" else None


def without_password(uri: str) -> str:
    """The URI as it may be printed or stored: a password in it becomes three stars."""
    return re.sub(r"(://[^:/@\s]*:)[^@/\s]*@", r"\1***@", uri)


def prepare(uri: str) -> None:
    """Create or check the SQLite database behind `uri` under a lock; a server or another database looks after itself.

    MLflow migrates a fresh file in a few seconds, and two processes that do so at once can leave it broken.

    Raises:
        TrackingError: the folder cannot be written, or the file is not a database.
    """
    path = sqlite_path(uri)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            fresh = not path.exists() or path.stat().st_size == 0
            if not fresh:
                _check(path)
            from mlflow.tracking._tracking_service.utils import _get_store

            try:
                _get_store(uri)  # creates the file and its tables, or checks their version
            except Exception as error:  # MLflow's and its drivers' own
                first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                mend = f"`mlflow db upgrade {uri}` brings an older one up to date"
                raise TrackingError(f"{path}: MLflow cannot open it ({first}); {mend}") from error
            if fresh:
                with sqlite3.connect(path) as connection:
                    connection.execute("PRAGMA journal_mode=WAL")
    except OSError as error:
        shown = without_password(uri)
        raise TrackingError(f"{shown}: cannot be written ({error}); choose another tracking.uri, or mend the folder's rights") from error


def _check(path: Path) -> None:
    """A file that is there must be SQLite, and goes into WAL mode, so that a reader never blocks the run."""
    try:
        with sqlite3.connect(path, timeout=30) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        raise TrackingError(f"{path}: is not a usable SQLite database ({error}); move it away, or choose another tracking.uri") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold ``<file>.lock`` for as long as the database is being created."""
    with open(f"{os.fspath(path)}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
