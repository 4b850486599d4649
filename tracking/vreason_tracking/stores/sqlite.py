"""Makes an MLflow database in a SQLite file ready: created once, whoever comes first, whole or not at all, and in WAL mode."""

from __future__ import annotations

import fcntl
import glob
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores.mlflow_internals import create_database, known_schema_revisions, latest_schema_revision, open_database
from vreason_tracking.stores.schema_issues import schema_issue
from vreason_tracking.stores.store_errors import failure, is_unavailable, reason_of

_log = logging.getLogger(__name__)

_LOCK_TIMEOUT = 30  # seconds that a file which somebody writes to is waited for
_WATCHED = 2.0  # seconds for which tables that are not whole are watched, before they count as left by a dead process
_BESIDE = ("-wal", "-shm", "-journal")  # files of SQLite's own beside a database
_SEEDED = ("alembic_version", "experiments", "sqlite_sequence", "workspaces")  # tables in which MLflow puts rows of its own


def prepare(uri: str, path: Path) -> None:
    """Create or check the database `uri` in the file `path` under a lock.

    MLflow migrates a fresh file in a few seconds. It does so beside the file's place, and the file is moved there when it is whole: whoever
    is killed meanwhile, or runs out of disk, leaves nothing that is in anybody's way. A file that an interrupted creation of MLflow's own
    has left there, and that holds nothing, is moved aside.

    Raises:
        TrackingError: the folder cannot be written, the file is not a database or cannot be written, or its tables are another MLflow's.
        TrackingUnavailableError: the file is locked, or its disk is full.
    """
    try:
        _require_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            if _has_content(path):
                _check(uri, path)
            if not _has_content(path):
                _create(path)
            _open(uri, path)
    except OSError as error:
        raise failure(error, f"{uri}: cannot be written ({error}); choose another tracking.uri, or check the permissions") from error


def _require_file(path: Path) -> None:
    """SQLite says of a folder, and of a file that this user may not write, only that it cannot be opened: as of a share that is away."""
    if path.is_dir():
        raise TrackingError(f"{path}: is a folder; name a file in it, such as sqlite:///{path / 'mlflow.db'}")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise TrackingError(f"{path}: this user may not read and write it; check its permissions, or choose another tracking.uri")


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _check(uri: str, path: Path) -> None:
    """A file that is there must be SQLite, its tables this MLflow's; one that holds nothing and is not whole is moved aside."""
    try:
        with closing(sqlite3.connect(path, timeout=_LOCK_TIMEOUT)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            half_made = _is_half_made(connection)
            issue = None if half_made else schema_issue(_revision(connection), uri)
    except sqlite3.DatabaseError as error:
        if is_unavailable(error):
            raise TrackingUnavailableError(f"{path}: cannot be opened now ({error}); see who else uses it, and start again") from error
        raise TrackingError(f"{path}: is not a usable SQLite database ({error}); move it away, or choose another tracking.uri") from error
    if half_made and _is_at_work(path):
        _check(uri, path)
    elif half_made:
        _move_aside(path)
    elif issue:
        raise TrackingError(f"{path}: {issue.what}; {issue.hint}")


def _is_at_work(path: Path) -> bool:
    """Whether another program, an MLflow server say, which knows nothing of the lock, is making the tables now: the file then changes."""
    before = _changed_ns(path)
    time.sleep(_WATCHED)
    return _changed_ns(path) != before


def _changed_ns(path: Path) -> list[tuple[int, int]]:
    """When the database and SQLite's files beside it were written last, and their sizes."""
    found = []
    for suffix in ("", "-wal", "-journal"):
        with suppress(FileNotFoundError):
            state = Path(f"{path}{suffix}").stat()
            found.append((state.st_mtime_ns, state.st_size))
    return found


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _revision(connection: sqlite3.Connection) -> str | None:
    """What MLflow's tables say of themselves."""
    if "alembic_version" not in _tables(connection):
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else None


def _is_half_made(connection: sqlite3.Connection) -> bool:
    """Whether MLflow was interrupted while it made these tables, and nobody has put anything into them.

    A database of another revision that holds nothing looks the same, and nothing is lost with it either; but one that a newer MLflow has
    made is left to that.
    """
    tables = _tables(connection)
    if tables and not tables & {"experiments", "runs", "alembic_version"}:  # not MLflow's
        return False
    revision = _revision(connection)
    if revision is not None and (revision == latest_schema_revision() or revision not in known_schema_revisions()):
        return False
    held = [name for name in tables if name not in _SEEDED and not name.startswith("_alembic_tmp_") and _rows(connection, name)]
    return not held and ("experiments" not in tables or _rows(connection, "experiments") <= 1)


def _rows(connection: sqlite3.Connection, table: str) -> int:
    """2 for all numbers above 1."""
    quoted = table.replace('"', '""')
    return int(connection.execute(f'SELECT count(*) FROM (SELECT 1 FROM "{quoted}" LIMIT 2)').fetchone()[0])


def _move_aside(path: Path) -> None:
    number = 1
    while (aside := path.with_name(f"{path.name}.incomplete{number}")).exists():
        number += 1
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    os.replace(path, aside)
    _log.warning("%s: its creation was interrupted and it held nothing; moved to %s, a new one is made", path, aside)


def _create(path: Path) -> None:
    """A new database, made beside its place and moved there when it is whole."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.new-*"):  # by somebody who was killed: the lock is ours
        left.unlink(missing_ok=True)
    fresh = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        try:
            create_database(f"sqlite:///{fresh.absolute()}")
        except Exception as error:  # MLflow's and its drivers' own
            raise failure(
                error, f"{path}: MLflow cannot create it ({reason_of(error)}); make room, or choose another tracking.uri"
            ) from error
        with closing(sqlite3.connect(fresh, timeout=_LOCK_TIMEOUT)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # so that a reader never blocks the run; the file keeps it
        _sync(fresh)
        if not _has_content(path):  # else another program, which knows nothing of the lock, was faster
            os.replace(fresh, path)
            _sync(path.parent)
    finally:
        for suffix in ("", *_BESIDE):
            Path(f"{fresh}{suffix}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have it survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open(uri: str, path: Path) -> None:
    """Have MLflow open it."""
    try:
        open_database(uri)
    except Exception as error:  # MLflow's and its drivers' own
        hint = "check the file, or choose another tracking.uri"
        raise failure(error, f"{path}: MLflow cannot open it ({reason_of(error)}); {hint}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold ``<file>.lock`` for as long as the database is being created."""
    with open(f"{os.fspath(path)}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
