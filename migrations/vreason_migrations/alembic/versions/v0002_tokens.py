"""Personal tokens of a server's users, and which of them were withdrawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vreason_tracking.audit import SCHEMA, protection

revision, down_revision = "0002", "0001"
branch_labels, depends_on = None, None

_TABLES = ("tokens", "token_revocations")


def upgrade() -> None:
    """Make the tables and protect them."""
    dialect = op.get_bind().dialect.name
    schema = None if dialect == "sqlite" else SCHEMA
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(16), comment="the part of a token that may be shown"),
        sa.Column("user", sa.String(256), nullable=False),
        sa.Column("name", sa.String(256), nullable=False, comment="what it is for, in the user's words"),
        sa.Column("scope", sa.String(16), nullable=False, comment="read or write"),
        sa.Column("sha256", sa.String(64), nullable=False, comment="of the whole token; the token itself is nowhere"),
        sa.Column("created_ms", sa.BigInteger, nullable=False, comment="Unix time, milliseconds"),
        sa.Column("expires_ms", sa.BigInteger, nullable=False, comment="Unix time, milliseconds"),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_table(
        "token_revocations",
        sa.Column("id", sa.String(16), comment="of the token"),
        sa.Column("time_ms", sa.BigInteger, nullable=False, comment="Unix time, milliseconds"),
        sa.Column("by", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    for statement in protection(dialect, _TABLES):
        op.execute(statement)


def downgrade() -> None:
    """Take the tables away: no token is good any more."""
    schema = None if op.get_bind().dialect.name == "sqlite" else SCHEMA
    for table in reversed(_TABLES):
        op.drop_table(table, schema=schema)  # and its triggers with it
