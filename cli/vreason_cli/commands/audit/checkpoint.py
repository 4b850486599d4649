"""``vreason-track audit checkpoint``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import key, which_log


@click.command("checkpoint", short_help="Sign the state of the log, and keep it elsewhere.", context_settings=HELP)
@which_log
@key
@click.option(
    "--to",
    "destinations",
    multiple=True,
    metavar="WHERE",
    help="Keep it there: a file (appended), git:FOLDER (committed), or an http(s) address that takes a PUT. Can be given several times.",
)
def checkpoint_command(database: str | None, journal: str | None, key_file: Path | None, destinations: tuple[str, ...]) -> None:
    """Sign the number of entries and the root of the tree over them, and print it: a C2SP checkpoint.

    Whoever keeps it can prove later that no entry before it was changed or taken away.

    Exit codes: 0 done, 5 there is no audit trail, the key cannot be read, or a destination refuses.
    """
    from vreason_cli.terminal.audit_output import open_log, signing_key
    from vreason_tracking.audit import send_checkpoint

    log = open_log(database, journal)
    note = log.sign(signing_key(log, key_file, journal))
    click.echo(note, nl=False)
    for destination in destinations:
        click.echo(f"kept in {send_checkpoint(note, destination)}", err=True)
