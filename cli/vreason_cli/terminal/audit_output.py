"""What the commands of the audit trail share: which log is meant, its key, and how entries are printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vreason_cli import options

if TYPE_CHECKING:
    from vreason_tracking.audit import AuditDatabase, AuditLog, Entry, SigningKey

_Command = TypeVar("_Command", bound=Callable[..., Any])

database = click.option(
    "--database",
    metavar="URI",
    help="Database of the audit trail, sqlite:///FILE or postgresql://...; default: VREASON_DATABASE, else audit.db beside the journal.",
)
key = click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Signing key; default: VREASON_AUDIT_KEY, else audit.key beside the journal, which is made when it is missing.",
)


def which_log(command: _Command) -> _Command:
    """Database, journal."""
    return database(options.journal(command))


def database_of(given: str | None, journal: str | None) -> AuditDatabase:
    """The database that is meant; one that was not named is the journal's.

    Raises:
        TrackingError: the address is none.
    """
    from vreason_tracking.audit import FILE, AuditDatabase, local_uri

    named = given or os.environ.get("VREASON_DATABASE")
    return AuditDatabase(named or local_uri(options.journal_root(journal) / FILE))


def open_log(given: str | None, journal: str | None) -> AuditLog:
    """The log that is meant.

    Raises:
        TrackingError: there is none.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.audit import FILE, AuditLog

    if not given and not os.environ.get("VREASON_DATABASE"):
        path = options.journal_root(journal) / FILE
        if not path.is_file():
            raise TrackingError(f"{path}: there is no audit trail yet; a run makes one, or name another with --database or --journal")
    return AuditLog(database_of(given, journal))


def key_path(given: Path | None, journal: str | None) -> Path:
    """Where the signing key is."""
    from vreason_tracking.audit import KEY_FILE

    named = os.environ.get("VREASON_AUDIT_KEY")
    return given or (Path(named) if named else options.journal_root(journal) / KEY_FILE)


def fields_of(entry: Entry) -> dict[str, Any]:
    """An entry as JSON."""
    from dataclasses import asdict

    return asdict(entry)


def print_entries(entries: list[Entry]) -> None:
    """A table, a line an entry."""
    from vreason_cli.terminal.listing import moment, print_table

    columns = ("entry", "time", "action", "subject", "by", "outcome", "reason")
    rows = [
        (str(each.index), moment(each.time), each.action, each.subject, each.actor, each.outcome, each.reason or "") for each in entries
    ]
    print_table(columns, rows, right=("entry",), spare=("reason", "by"))


def signing_key(log: AuditLog, given: Path | None, journal: str | None) -> SigningKey:
    """The signing key; the default one beside a journal is made when it is missing.

    Raises:
        TrackingError: it cannot be read or made.
    """
    from vreason_tracking.audit import make_key, public_path, read_signing_key

    path = key_path(given, journal)
    if given is not None or path.is_file() or os.environ.get("VREASON_AUDIT_KEY"):
        return read_signing_key(path)
    made = make_key(path, log.origin().replace("+", "-"))
    click.echo(f"note: made a signing key, {path}; whoever verifies needs {public_path(path)}", err=True)
    return made
