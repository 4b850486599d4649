"""``vreason-track audit export``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import key, which_log


@click.command("export", short_help="Write the log to a file that can be verified anywhere.", context_settings=HELP)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@which_log
@key
@click.option("--reason", metavar="TEXT", help="Why it is taken; it is entered.")
def export_command(file: Path, database: str | None, journal: str | None, key_file: Path | None, reason: str | None) -> None:
    """Write every entry, their hashes and the signed checkpoints to FILE (JSON Lines). That it was taken is an entry of its own.

    Exit codes: 0 done, 5 there is no audit trail, the key cannot be read, or the file cannot be written.
    """
    import socket

    from vreason_cli.terminal.audit_output import key_path, open_log, signing_key
    from vreason_tracking.audit import NewEntry, export_to, public_path
    from vreason_tracking.records import user_name

    log = open_log(database, journal)
    signing = signing_key(log, key_file, journal)
    host = socket.gethostname()
    log.append([NewEntry("export.taken", user_name(), f"log:{log.origin()}", host, reason=reason, details={"file": file.name})])
    count = export_to(file, log, signing)
    click.echo(f"{count:,} entries in {file}")
    click.echo(f"verify it with: vreason-track audit verify {file} --public-key {public_path(key_path(key_file, journal))}")
