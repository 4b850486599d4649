"""The tables of personal tokens. Like the audit trail they are only added to: a token that is withdrawn has a row that says so."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, String, Table

from vreason_tracking.audit import METADATA

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(16), primary_key=True, comment="the part of a token that may be shown"),
    Column("user", String(256), nullable=False),
    Column("name", String(256), nullable=False, comment="what it is for, in the user's words"),
    Column("scope", String(16), nullable=False, comment="read or write"),
    Column("sha256", String(64), nullable=False, comment="of the whole token; the token itself is nowhere"),
    Column("created_ms", BigInteger, nullable=False, comment="Unix time, milliseconds"),
    Column("expires_ms", BigInteger, nullable=False, comment="Unix time, milliseconds"),
)

REVOCATIONS = Table(
    "token_revocations",
    METADATA,
    Column("id", String(16), primary_key=True, comment="of the token"),
    Column("time_ms", BigInteger, nullable=False, comment="Unix time, milliseconds"),
    Column("by", String(256), nullable=False),
)


def metadata_for(dialect: str) -> MetaData:
    """All tables of our own, the audit trail's among them, as a database has them: SQLite knows no schemas."""
    if dialect != "sqlite":
        return METADATA
    plain = MetaData()
    for table in METADATA.tables.values():
        table.to_metadata(plain, schema=None)  # type: ignore[arg-type]
    return plain
