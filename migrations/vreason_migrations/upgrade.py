"""Brings a database to a version of our tables, one process at a time, in one transaction; MLflow's tables are not touched.

Alembic finds its environment beside this file, wherever the package is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from vreason.errors import ConfigError, ConfigIssue, TrackingError
from vreason_tracking.audit import METADATA, SCHEMA, VERSION_TABLE, AuditDatabase
from vreason_tracking.server import metadata_for


@dataclass(frozen=True)
class Revision:
    """A version of our tables.

    Attributes:
        name: "0001".
        summary: what came with it.
    """

    name: str
    summary: str


def history() -> list[Revision]:
    """Every version, the oldest first."""
    with _config() as config:
        found = [Revision(str(each.revision), each.doc) for each in ScriptDirectory.from_config(config).walk_revisions()]
    return found[::-1]


def current(database: AuditDatabase) -> str | None:
    """The version of a database; None where our tables are not there.

    Raises:
        TrackingError: it cannot be read.
    """
    return database.version()


def upgrade(database: AuditDatabase, grant_to: str | None = None) -> tuple[str | None, str]:
    """Bring a database to the newest version. Of several that try at once, one does it and the others wait and find it done.

    Args:
        database: its tables may be missing.
        grant_to: on PostgreSQL, the role that the server uses: it may read and append, and nothing else.

    Returns:
        The version before, and after.

    Raises:
        ConfigError: the role cannot be a role's name, or the database is SQLite.
        TrackingError: it cannot be written, or is of a version that this program does not know.
    """
    if grant_to is not None:
        _check_role(database, grant_to)
    with database.writing() as connection, _config() as config:
        before = _version(connection, database)
        _known(database, before)
        if database.dialect == "postgresql":
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if grant_to is not None:
            _grant(connection, grant_to)
        after = _version(connection, database)
    assert after is not None
    return before, after


def downgrade(database: AuditDatabase, to: str) -> tuple[str, str | None]:
    """Bring a database to an earlier version; "base" takes our tables away, entries included.

    Returns:
        The version before, and after.

    Raises:
        ConfigError: there is no such version, or it is not an earlier one.
        TrackingError: it cannot be written, or has none of our tables.
    """
    names = ["base", *(each.name for each in history())]
    with database.writing() as connection, _config() as config:
        before = _version(connection, database)
        if before is None:
            raise TrackingError(f"{database.address}: has none of our tables, so there is nothing to take back")
        _known(database, before)
        if to not in names or names.index(to) >= names.index(before):
            earlier = ", ".join(names[: names.index(before)])
            raise ConfigError([ConfigIssue("VERSION", f"{to!r} is no version before {before}; give one of {earlier}")])
        config.attributes["connection"] = connection
        command.downgrade(config, to)
        after = _version(connection, database)
    return before, after


def differences(database: AuditDatabase) -> list[str]:
    """Where the tables are not what the code says they are; none after `upgrade`.

    Raises:
        TrackingError: it cannot be read.
    """
    metadata = metadata_for(database.dialect)
    names = {table.name for table in metadata.tables.values()}
    with database.reading() as connection:
        options = {
            "version_table": VERSION_TABLE,
            "include_schemas": database.dialect != "sqlite",
            "include_name": lambda name, kind, parents: (
                name in (None, SCHEMA) if kind == "schema" else name in names if kind == "table" else True
            ),
        }
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    return [str(each) for each in found]


@contextmanager
def _config() -> Iterator[Config]:
    with as_file(files("vreason_migrations") / "alembic") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        yield config


def _version(connection: Connection, database: AuditDatabase) -> str | None:
    schema = None if database.dialect == "sqlite" else SCHEMA
    options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
    found = MigrationContext.configure(connection, opts=options).get_current_revision()
    return None if found is None else str(found)


def _known(database: AuditDatabase, version: str | None) -> None:
    if version is not None and version not in {each.name for each in history()}:
        newest = history()[-1].name
        what = f"its tables are of version {version}, and the newest that this program knows is {newest}"
        raise TrackingError(f"{database.address}: {what}; install the vreason-track that made them")


def _check_role(database: AuditDatabase, role: str) -> None:
    if database.dialect != "postgresql":
        raise ConfigError([ConfigIssue("--grant-to", f"{database.address} is no PostgreSQL: SQLite has no roles; leave it out")])
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", role):
        raise ConfigError([ConfigIssue("--grant-to", f"{role!r} is no plain name of a role; give small letters, digits and _")])


def _grant(connection: Connection, role: str) -> None:
    """Reading and appending: an owner's rights, by which triggers could be dropped, are not among them."""
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}")
    for table in METADATA.tables.values():
        connection.exec_driver_sql(f"GRANT SELECT, INSERT ON {SCHEMA}.{table.name} TO {role}")
    connection.exec_driver_sql(f"GRANT SELECT ON {SCHEMA}.{VERSION_TABLE} TO {role}")
