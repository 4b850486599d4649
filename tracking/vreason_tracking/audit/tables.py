"""The tables of the audit trail, and the triggers by which the database itself refuses to change or delete what was entered.

On PostgreSQL they have a schema of their own, `SCHEMA`; on SQLite they are plain tables. MLflow's tables are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

SCHEMA = "vreason"
VERSION, NEWEST = "0001", "0002"
"""Revisions of `vreason_migrations`: the first one with the audit trail as it is here, and the newest one that this program knows."""

VERSION_TABLE = "vreason_version"

METADATA = MetaData(schema=SCHEMA)
_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite: the row's own number

ENTRIES = Table(
    "audit_entries",
    METADATA,
    Column("index", _BIG, primary_key=True, autoincrement=False, comment="place in the log, from 0"),
    Column("body", Text, nullable=False, comment="canonical JSON (RFC 8785): what is hashed"),
    Column("time_ms", BigInteger, nullable=False, comment="Unix time, milliseconds"),
    Column("action", String(256), nullable=False),
    Column("actor", String(256), nullable=False),
    Column("subject", String(1024), nullable=False),
    Index("audit_entries_by_action", "action", "index"),
    Index("audit_entries_by_actor", "actor", "index"),
    Index("audit_entries_by_subject", "subject", "index"),
    Index("audit_entries_by_time", "time_ms"),
)

NODES = Table(
    "audit_nodes",
    METADATA,
    Column("level", Integer, primary_key=True, autoincrement=False, comment="0 for leaves"),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False, comment="of the perfect subtree over leaves [index * 2^level, (index + 1) * 2^level)"),
)

CHECKPOINTS = Table(
    "audit_checkpoints",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False, comment="number of entries"),
    Column("note", Text, nullable=False, comment="signed note (C2SP tlog-checkpoint)"),
    Column("time_ms", BigInteger, nullable=False, comment="Unix time, milliseconds"),
)

APPEND_ONLY = (ENTRIES.name, NODES.name, CHECKPOINTS.name)
"""Tables of which no row is ever changed or deleted."""

_REFUSED = "this table is append-only"


def protection(dialect: str, tables: Sequence[str] = APPEND_ONLY) -> Iterator[str]:
    """The statements that protect tables; those of the audit trail come first, for on PostgreSQL all use one function.

    Args:
        dialect: SQLAlchemy's name, "sqlite" or "postgresql".
        tables: whose rows are never changed nor deleted.
    """
    if dialect == "sqlite":
        for table in tables:
            for change in ("UPDATE", "DELETE"):
                yield (
                    f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
                )
        return
    yield (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in tables:
        name = f"{SCHEMA}.{table}"
        yield (
            f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.refuse_change()"
        )
        yield (
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
        )


def unprotection(dialect: str) -> Iterator[str]:
    """The statements that take the protection of the audit trail away, for a downgrade."""
    if dialect == "sqlite":
        for table in APPEND_ONLY:
            for change in ("update", "delete"):
                yield f"DROP TRIGGER {table}_refuse_{change}"
        return
    for table in APPEND_ONLY:
        for what in ("change", "truncate"):
            yield f"DROP TRIGGER {table}_refuse_{what} ON {SCHEMA}.{table}"
    yield f"DROP FUNCTION {SCHEMA}.refuse_change()"
