"""``vreason-track db backup | restore``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import database_of, open_log, which_log

_STORE = click.option("--tracking-uri", metavar="URI", help="MLflow's database, where it is a SQLite file of its own.")
_ARTIFACTS = click.option(
    "--artifacts", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="The folder of MLflow's artifacts."
)


@click.command("backup", short_help="Copy databases and artifacts, while they are in use.", context_settings=HELP)
@click.argument("folder", type=click.Path(path_type=Path))
@which_log
@_STORE
@_ARTIFACTS
def backup_command(folder: Path, database: str | None, journal: str | None, tracking_uri: str | None, artifacts: Path | None) -> None:
    """Copy the database of the audit trail, MLflow's and the artifacts into FOLDER, which is new, with a digest of every file.

    PostgreSQL is copied with pg_dump, which has to be installed. That a backup was taken is an entry of the audit trail.

    Exit codes: 0 done, 5 something cannot be read or written.
    """
    import socket

    from vreason_migrations import back_up
    from vreason_tracking.audit import NewEntry
    from vreason_tracking.records import user_name

    log = open_log(database, journal)
    log.append([NewEntry("backup.taken", user_name(), f"log:{log.origin()}", socket.gethostname(), details={"folder": folder.name})])
    made = back_up(folder, log.database, tracking_uri, artifacts)
    click.echo(f"{len(made.files)} file(s) in {folder}; the audit trail has {made.entries:,} entries, root {made.root[:16]}...")


@click.command("restore", short_help="Bring a backup back, into an empty place.", context_settings=HELP)
@click.argument("folder", type=click.Path(path_type=Path))
@which_log
@_STORE
@_ARTIFACTS
def restore_command(folder: Path, database: str | None, journal: str | None, tracking_uri: str | None, artifacts: Path | None) -> None:
    """Bring the backup in FOLDER back. Nothing that is there is overwritten; every file is held against its digest before, and the audit
    trail against the root that it had.

    Exit codes: 0 done, 5 the backup is damaged, or something is there already.
    """
    from vreason_migrations import restore

    found = database_of(database, journal)
    made = restore(folder, found, tracking_uri, artifacts)
    click.echo(f"restored the backup of {made.created}: {len(made.files)} file(s), {made.entries:,} entries with the root that they had")
