"""Makes an MLflow database in PostgreSQL ready: created once, whoever comes first. The driver is psycopg 3, the extra `postgres`."""

from __future__ import annotations

import os
import re
from typing import Any

import sqlalchemy
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from vreason.errors import TrackingError
from vreason_tracking.stores.addresses import POSTGRES, redact_password
from vreason_tracking.stores.mlflow_internals import open_database, schema_revision
from vreason_tracking.stores.schema_issues import schema_issue
from vreason_tracking.stores.store_errors import failure, is_unavailable, reason_of

CONNECT_TIMEOUT = 10  # seconds for a connection to be made
_LOCK = int.from_bytes(b"vreason")  # an advisory lock's number, one that no other program is likely to take
_LONGEST_MIGRATION = 300  # seconds that another process is waited for
_ALREADY_THERE = ("42P07", "42701", "42710", "23505")  # SQLSTATE: a table, column, other object, or row
_HINTS = (
    (r"authentication failed|no password supplied", "check user and password in tracking.uri (special characters as %XX), or ~/.pgpass"),
    (r'database ".*" does not exist', "create it with `createdb`, or name another in tracking.uri"),
    (r"permission denied for schema", "have its owner `GRANT CREATE ON SCHEMA public` to this user, or own a database"),
    (r"permission denied", "have its owner grant this user its rights there, or name another user in tracking.uri"),
    (r"read-only transaction", "name the primary server in tracking.uri, not a standby"),
)


def is_postgres(uri: str) -> bool:
    """Whether an address is PostgreSQL's, with whatever driver."""
    return re.match(r"postgres(ql)?(\+\w+)?:", uri, re.IGNORECASE) is not None


def prepare(uri: str) -> None:
    """Have MLflow create its tables in an empty database, or check their version.

    Whoever comes first does so under an advisory lock on a connection of its own, which the server takes back when that process dies; the
    others wait. A migration that was cut short is rolled back, but for its first tables, and done again.

    Raises:
        TrackingUnavailableError: the server does not answer, or another process holds the lock for minutes.
        TrackingError: the address, its user or password is wrong, psycopg is not installed, the database does not exist, or its tables are
            another MLflow's.
    """
    database = engine(uri)
    try:
        with database.connect() as lock:
            lock.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LONGEST_MIGRATION}s'")
            lock.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            lock.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            _check_version(database, uri)
            _open(uri)
    except TrackingError:
        raise
    except Exception as error:  # SQLAlchemy's, psycopg's and MLflow's
        what, hint = diagnosis(error)
        raise failure(error, f"{redact_password(uri)}: {what}; {hint}") from error


def engine(uri: str, connect_timeout: int = CONNECT_TIMEOUT) -> Engine:
    """An engine that keeps no connections; gives up connecting after `connect_timeout` seconds unless address or environment differ.

    Raises:
        TrackingError: the address cannot be read, or its driver is not installed.
    """
    shown = redact_password(uri)
    try:
        url = make_url(uri)
        told = "connect_timeout" in url.query or "PGCONNECT_TIMEOUT" in os.environ
        return sqlalchemy.create_engine(
            url, poolclass=sqlalchemy.NullPool, connect_args={} if told else {"connect_timeout": connect_timeout}
        )
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # a port that is no number is a ValueError
        raise TrackingError(f"{shown}: is no address of a database; write {POSTGRES}USER:PASSWORD@HOST:5432/DATABASE") from error
    except ImportError as error:
        if uri.startswith(POSTGRES):
            raise TrackingError(f"{shown}: PostgreSQL needs psycopg; `pip install 'vreason-track[postgres]'`") from error
        raise TrackingError(f"{shown}: needs the driver {error.name}; install it, or write {POSTGRES}...") from error


def diagnosis(error: BaseException) -> tuple[str, str]:
    """What is wrong with a database, and what to do: for whoever wrote its address."""
    reason = reason_of(error)
    if re.search("lock timeout", reason):
        return f"another process has been creating its tables for {_LONGEST_MIGRATION} s", "see what it does, and start again"
    for pattern, hint in _HINTS:
        if re.search(pattern, reason):
            return reason, hint
    if is_unavailable(error):
        return f"the PostgreSQL server does not answer ({reason})", "start it, or check host and port in tracking.uri"
    return f"cannot be used for tracking ({reason})", "check tracking.uri"


def may_write(connection: Connection) -> bool:
    """Whether this user may record here: add rows to MLflow's tables, or create them where there are none. Nothing is written."""
    found = connection.exec_driver_sql(
        "SELECT current_setting('transaction_read_only') = 'off' AND CASE WHEN to_regclass('runs') IS NULL"
        " THEN has_schema_privilege(current_schema(), 'CREATE') ELSE has_table_privilege('runs', 'INSERT') END"
    )
    return bool(found.scalar())


def _check_version(database: Engine, uri: str) -> None:
    """MLflow would migrate an older database unasked where it misses tables, and shut out everybody who still runs that older version."""
    if issue := schema_issue(schema_revision(database), uri):
        raise TrackingError(redact_password(f"{uri}: {issue.what}; {issue.hint}"))


def _open(uri: str) -> None:
    """MLflow's own way in. A server that starts at the same moment knows nothing of our lock: where it was faster, look again."""
    for attempts_left in (4, 3, 2, 1, 0):  # as many steps as its way in has: tables, revision table, first rows
        try:
            open_database(uri)
            return
        except Exception as error:
            if not attempts_left or _sqlstate(error) not in _ALREADY_THERE:
                raise


def _sqlstate(error: BaseException | None) -> str | None:
    while error is not None and not isinstance(error, DBAPIError):
        error = error.__cause__
    state: Any = getattr(error.orig, "sqlstate", None) if error is not None else None
    return str(state) if state else None
