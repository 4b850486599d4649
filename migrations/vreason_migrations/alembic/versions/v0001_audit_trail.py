"""The audit trail: entries, the nodes of the tree over them, signed checkpoints, and the triggers that refuse changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vreason_tracking.audit import SCHEMA, protection, unprotection

revision, down_revision = "0001", None
branch_labels, depends_on = None, None


def upgrade() -> None:
    """Make the tables and protect them."""
    dialect = op.get_bind().dialect.name
    schema = None if dialect == "sqlite" else SCHEMA
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit_entries",
        sa.Column("index", big, autoincrement=False, comment="place in the log, from 0"),
        sa.Column("body", sa.Text, nullable=False, comment="canonical JSON (RFC 8785): what is hashed"),
        sa.Column("time_ms", sa.BigInteger, nullable=False, comment="Unix time, milliseconds"),
        sa.Column("action", sa.String(256), nullable=False),
        sa.Column("actor", sa.String(256), nullable=False),
        sa.Column("subject", sa.String(1024), nullable=False),
        sa.PrimaryKeyConstraint("index"),
        schema=schema,
    )
    for name, columns in (
        ("audit_entries_by_action", ["action", "index"]),
        ("audit_entries_by_actor", ["actor", "index"]),
        ("audit_entries_by_subject", ["subject", "index"]),
        ("audit_entries_by_time", ["time_ms"]),
    ):
        op.create_index(name, "audit_entries", columns, schema=schema)
    hashed = "of the perfect subtree over leaves [index * 2^level, (index + 1) * 2^level)"
    op.create_table(
        "audit_nodes",
        sa.Column("level", sa.Integer, autoincrement=False, comment="0 for leaves"),
        sa.Column("index", sa.BigInteger, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False, comment=hashed),
        sa.PrimaryKeyConstraint("level", "index"),
        schema=schema,
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", sa.BigInteger, autoincrement=False, comment="number of entries"),
        sa.Column("note", sa.Text, nullable=False, comment="signed note (C2SP tlog-checkpoint)"),
        sa.Column("time_ms", sa.BigInteger, nullable=False, comment="Unix time, milliseconds"),
        sa.PrimaryKeyConstraint("size"),
        schema=schema,
    )
    for statement in protection(dialect):
        op.execute(statement)


def downgrade() -> None:
    """Take everything away, entries included: what is not exported is lost."""
    dialect = op.get_bind().dialect.name
    schema = None if dialect == "sqlite" else SCHEMA
    for statement in unprotection(dialect):
        op.execute(statement)
    for table in ("audit_checkpoints", "audit_nodes", "audit_entries"):
        op.drop_table(table, schema=schema)
