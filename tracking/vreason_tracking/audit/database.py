"""The database of the audit trail: a SQLite file or PostgreSQL, opened only when its tables are of the version that this code needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from vreason.errors import TrackingError
from vreason_tracking.audit.tables import APPEND_ONLY, METADATA, NEWEST, SCHEMA, VERSION, VERSION_TABLE, protection
from vreason_tracking.stores import failure, normalised, redact_password, sqlite_path

_SEARCH_PATH = "-c search_path=public"  # a user called like our schema would else have it as the default one
WRITER_TIMEOUT = 30.0  # seconds that another writer is waited for
_LOCK = int.from_bytes(b"vreaudit")  # an advisory lock's number, one that no other program is likely to take


class AuditDatabase:
    """A database with the tables of the audit trail.

    Args:
        uri: SQLAlchemy's address, as MLflow takes it: sqlite:///FILE or postgresql://...
        pooled: whether a SQLite file stays open between transactions, as a server wants it; otherwise it is left alone in between.
    """

    def __init__(self, uri: str, *, pooled: bool = False) -> None:
        self.uri = normalised(uri)
        self.address = redact_password(self.uri)
        self.engine = _engine(self.uri, pooled)

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of it: "sqlite" or "postgresql"."""
        return self.engine.dialect.name

    def version(self) -> str | None:
        """The version of its tables; None where there are none.

        Raises:
            TrackingError: it cannot be read.
        """
        with self.reading() as connection:
            if not sqlalchemy.inspect(connection).has_table(VERSION_TABLE, schema=self._schema()):
                return None
            name = f"{SCHEMA}.{VERSION_TABLE}" if self._schema() else VERSION_TABLE
            found = connection.exec_driver_sql(f"SELECT version_num FROM {name}").scalar()
            return None if found is None else str(found)

    def require(self, version: str = VERSION) -> None:
        """See that its tables are of a version, or of a later one that this program knows.

        Raises:
            TrackingError: its tables are missing, older or newer; with what to do.
        """
        found = self.version()
        if found is None:
            raise TrackingError(f"{self.address}: has no audit trail; make its tables with `vreason-track db upgrade --database ...`")
        what = f"its tables are of version {found}, this program needs {version}"
        if found < version:
            raise TrackingError(f"{self.address}: {what}; bring them up to date with `vreason-track db upgrade`, after a backup")
        if found > NEWEST:
            raise TrackingError(f"{self.address}: {what}, an older one; install the vreason-track that made them")

    def create(self) -> None:
        """Make the tables of the audit trail in an empty database, as the first migration makes them; nothing where they are there.

        Raises:
            TrackingError: it cannot be written.
        """
        with self.writing() as connection:
            if sqlalchemy.inspect(connection).has_table(VERSION_TABLE, schema=self._schema()):
                return
            if self._schema():
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            METADATA.create_all(connection, [table for table in METADATA.tables.values() if table.name in APPEND_ONLY])
            for statement in protection(self.dialect):
                connection.exec_driver_sql(statement)
            name = f"{SCHEMA}.{VERSION_TABLE}" if self._schema() else VERSION_TABLE
            key = f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num)"
            connection.exec_driver_sql(f"CREATE TABLE {name} (version_num VARCHAR(32) NOT NULL, {key})")
            connection.exec_driver_sql(f"INSERT INTO {name} VALUES ('{VERSION}')")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database.

        Raises:
            TrackingError: it cannot be read.
        """
        with self._translated("read"), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer of the audit trail overlaps; committed at the end, taken back when it raises.

        Raises:
            TrackingUnavailableError: another writer had it for `WRITER_TIMEOUT` seconds, or the server does not answer.
            TrackingError: it cannot be written.
        """
        with self._translated("written"), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(WRITER_TIMEOUT)}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection
            connection.commit()

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()

    def _schema(self) -> str | None:
        return None if self.dialect == "sqlite" else SCHEMA

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            hint = "make room, or check the address and its rights"
            raise failure(error, f"{self.address}: the audit trail cannot be {what} ({redact_password(reason)}); {hint}") from error


def _engine(uri: str, pooled: bool) -> Engine:
    try:
        url = make_url(uri)
    except SQLAlchemyError:
        raise TrackingError(f"{redact_password(uri)!r} is no address of a database; write sqlite:///FILE or postgresql://...") from None
    if url.get_backend_name() == "postgresql":
        return sqlalchemy.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10, "options": _SEARCH_PATH})
    if url.get_backend_name() != "sqlite" or (path := sqlite_path(uri)) is None:
        raise TrackingError(f"{redact_password(uri)!r}: the audit trail is kept in SQLite files and in PostgreSQL; name one of those")
    if not path.parent.is_dir():
        raise TrackingError(f"{uri}: there is no folder {path.parent.absolute()}; make it, or name another file")
    made = sqlalchemy.create_engine(
        url, poolclass=QueuePool if pooled else NullPool, connect_args={"timeout": WRITER_TIMEOUT, "check_same_thread": False}
    )
    event.listen(made, "connect", _configure_server if pooled else _configure)
    return made.execution_options(schema_translate_map={SCHEMA: None})


def _configure(connection: object, _: object) -> None:
    """Transactions are begun here and not by the driver; a commit is on disk."""
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _configure_server(connection: object, record: object) -> None:
    """With a log of its own for writes: readers are not kept waiting. It leaves two files beside the database while it is open."""
    _configure(connection, record)
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def local_uri(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path.absolute()}"
