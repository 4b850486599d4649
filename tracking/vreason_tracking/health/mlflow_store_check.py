"""Is the tracking database or server well? It is opened as a run would open it, and not changed."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from vreason_tracking.health.check import Check, described
from vreason_tracking.stores import address_issue, mlflow_internals, normalised, schema_issue

MLFLOW = '"mlflow>=3.17,<4"'
QUICK_CHECK = 100_000_000  # bytes: larger database files are opened but not read through
TIMEOUT = 3  # seconds to wait for a server or a lock


def store_checks(uri: str) -> Iterator[Check]:
    """The tracking database or server, and its schema."""
    uri = normalised(uri)
    if uri.startswith(("http://", "https://")):
        yield _server(uri.rstrip("/"))
        return
    if issue := address_issue(uri):
        yield Check("tracking", "failure", *issue.split("; ", 1))
        return
    if "://" not in uri or uri.startswith("file:"):
        detail = f"{uri!r} is a folder, and MLflow keeps runs in databases now"
        yield Check("tracking", "failure", detail, "give a URI such as sqlite:///mlflow.db")
        return
    import sqlalchemy

    address = sqlalchemy.make_url(uri)
    if address.get_backend_name() == "sqlite":
        yield from _sqlite(uri, address.database or "")
        return
    if address.get_backend_name() == "postgresql":
        yield from _postgres(uri)
        return
    timeout = {"connect_timeout": TIMEOUT} if address.get_backend_name() == "mysql" else {}
    try:
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool, connect_args=timeout)
    except ModuleNotFoundError as error:
        yield Check("database", "failure", f"{uri} needs the driver {error.name}", f"`pip install {error.name}`")
        return
    engine.connect().close()
    yield Check("database", "ok", f"{uri} accepts a connection")
    yield _schema(engine, uri)


def _postgres(uri: str) -> Iterator[Check]:
    """A PostgreSQL database, reached as a run would reach it, but not changed."""
    from vreason.errors import TrackingError
    from vreason_tracking.stores import postgres

    try:
        engine = postgres.engine(uri, TIMEOUT)
        with engine.connect() as connection:
            version, writes = connection.exec_driver_sql("SHOW server_version").scalar(), postgres.may_write(connection)
    except TrackingError as error:
        yield Check("database", "failure", *str(error).split("; ", 1))
        return
    except Exception as error:  # the driver's
        what, hint = postgres.diagnosis(error)
        yield Check("database", "failure", f"{uri}: {what}", hint)
        return
    if writes:
        yield Check("database", "ok", f"{uri} can be read and written; PostgreSQL {version}")
    else:
        hint = "name the primary server, or have the database's owner grant this user the right to create tables, or to add rows to them"
        yield Check("database", "failure", f"{uri} can be read, not written; PostgreSQL {version}", hint)
    yield _schema(engine, uri)


def _sqlite(uri: str, database: str) -> Iterator[Check]:
    """An SQLite file, opened as a run would open it, but not changed."""
    import sqlalchemy

    path = Path(database).absolute()
    if path.is_dir():
        yield Check("database", "failure", f"{path} is a folder", f"name a file in it, such as sqlite:///{path / 'mlflow.db'}")
        return
    if not path.exists():
        yield Check("database", "ok", f"{path} will be created")
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=TIMEOUT)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if path.stat().st_size <= QUICK_CHECK and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(found.splitlines()[-1])
            connection.execute("BEGIN IMMEDIATE")  # takes the write lock and writes nothing
    except sqlite3.DatabaseError as error:
        busy = "locked" in str(error)
        hint = "another process is writing; try again later" if busy else "restore this file from a backup, or give another --tracking-uri"
        yield Check("database", "warning" if busy else "failure", f"{path}: {error}", hint)
        return
    yield Check("database", "ok", f"{path} can be read and written")
    switch = f"import sqlite3; sqlite3.connect({str(path)!r}).execute('PRAGMA journal_mode=WAL')"
    slow = f"{mode}: a run's readers and its writer wait for each other"
    wal = Check("journal mode", "ok", mode)
    yield wal if mode == "wal" else Check("journal mode", "warning", slow, f"`python -c {shlex.quote(switch)}`")
    yield _schema(sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool), uri)


def _schema(engine: Any, uri: str) -> Check:
    """The database's schema held against the installed MLflow's."""
    import mlflow
    import sqlalchemy

    current = mlflow_internals.schema_revision(engine)
    if current is None:
        tables = len(sqlalchemy.inspect(engine).get_table_names())
        if tables == 0:
            return Check("schema", "ok", "an empty database; MLflow will create its tables")
        hint = "give the URI of an MLflow database, or of one that does not exist yet"
        return Check("schema", "warning", f"{tables} tables, and none of them names a revision of MLflow's", hint)
    if issue := schema_issue(current, uri):
        return Check("schema", "failure", *issue)
    return Check("schema", "ok", f"revision {current}, that of MLflow {mlflow.__version__}")


def _server(uri: str) -> Check:
    """An MLflow server, asked with the credentials that a run would use."""
    from packaging.version import Version

    try:
        health, version = (mlflow_internals.ask_server(uri, path, TIMEOUT) for path in ("/health", "/version"))
    except Exception as error:
        hint = f"start it, or fix the address: `curl {uri}/health`"
        return Check("server", "failure", f"{uri} does not answer: {described(error)}", hint)
    text = version.text.strip()
    if version.status in (401, 403):
        return Check("server", "failure", f"{uri} asks for a login", "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
    if health.status != 200 or version.status != 200 or not re.fullmatch(r"\d+\.\d+[\w.]*", text):
        detail = f"{uri} is no healthy MLflow server: /health {health.status}, /version {version.status}"
        return Check("server", "failure", detail, "check the address, and read the server's log")
    if Version(text) < Version("3.17"):
        return Check("server", "warning", f"{uri} runs MLflow {text}", f"upgrade it there: `pip install -U {MLFLOW}`")
    return Check("server", "ok", f"{uri} runs MLflow {text}")
