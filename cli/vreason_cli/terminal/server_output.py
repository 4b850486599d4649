"""What the commands for a server's users and tokens share: where they are, and how what was done is entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vreason_tracking.audit import AuditDatabase
    from vreason_tracking.server import Tokens, Users

backend = click.option(
    "--backend-store-uri",
    metavar="URI",
    help="The server's: MLflow's database; default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db here.",
)


def database_of_server(backend_store_uri: str | None, database: str | None) -> AuditDatabase:
    """The database of a server's audit trail, with the newest tables; those of a SQLite file are made.

    Raises:
        TrackingError: it cannot be used.
    """
    from vreason_migrations import upgrade
    from vreason_tracking.audit import NEWEST, AuditDatabase
    from vreason_tracking.server import database_for
    from vreason_tracking.stores import resolved_uri

    found = AuditDatabase(database_for(resolved_uri(backend_store_uri), database))
    if found.dialect == "sqlite":
        upgrade(found)
    found.require(NEWEST)
    return found


def users_of(database: AuditDatabase) -> Users:
    """The users of a server.

    Raises:
        TrackingError: their database cannot be used.
    """
    from vreason_tracking.server import Users, users_address

    return Users(users_address(database.uri))


def tokens_of(database: AuditDatabase) -> Tokens:
    """The tokens of a server's users."""
    from vreason_tracking.server import Tokens

    return Tokens(database)


def enter(database: AuditDatabase, action: str, subject: str, **details: Any) -> None:
    """Enter what is about to be done.

    Raises:
        TrackingError: it cannot be entered; it is not to be done then.
    """
    import socket

    from vreason_tracking.audit import AuditLog, NewEntry
    from vreason_tracking.records import user_name

    AuditLog(database).append([NewEntry(action, user_name(), subject, socket.gethostname(), details=details)])
