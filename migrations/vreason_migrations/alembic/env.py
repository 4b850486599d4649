"""Alembic's environment: a connection that `vreason_migrations.upgrade` has opened, our tables, and a version table of their own."""

from __future__ import annotations

from alembic import context

from vreason_tracking.audit import SCHEMA, VERSION_TABLE
from vreason_tracking.server import metadata_for


def run() -> None:
    """Run the revisions that are asked for, in the transaction of the connection that was handed in."""
    connection = context.config.attributes["connection"]
    dialect = connection.dialect.name
    metadata = metadata_for(dialect)
    names = {table.name for table in metadata.tables.values()}
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        version_table_schema=None if dialect == "sqlite" else SCHEMA,
        include_schemas=dialect != "sqlite",
        include_name=lambda name, kind, parents: name in (None, SCHEMA) if kind == "schema" else name in names if kind == "table" else True,
        transactional_ddl=False,  # the transaction is the caller's, around lock, tables and version
    )
    context.run_migrations()


run()
