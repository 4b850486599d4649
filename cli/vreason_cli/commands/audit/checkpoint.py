"""``vreason-track audit checkpoint``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import key, which_log

if TYPE_CHECKING:
    from vreason_tracking.audit import AuditLog, SigningKey


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
@click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Go on: sign again after so many seconds, if anything was entered; what fails is told and tried again.",
)
def checkpoint_command(
    database: str | None, journal: str | None, key_file: Path | None, destinations: tuple[str, ...], every: float | None
) -> None:
    """Sign the number of entries and the root of the tree over them, and print it: a C2SP checkpoint.

    Whoever keeps it can prove later that no entry before it was changed or taken away.

    Exit codes: 0 done, 5 there is no audit trail, the key cannot be read, or a destination refuses.
    """
    from vreason_cli.terminal.audit_output import open_log, signing_key

    log = open_log(database, journal)
    signing = signing_key(log, key_file, journal)
    if every is None:
        _keep(log.sign(signing), destinations)
    else:
        _go_on(log, signing, destinations, every)


def _keep(note: str, destinations: tuple[str, ...]) -> None:
    from vreason_tracking.audit import send_checkpoint

    click.echo(note, nl=False)
    for destination in destinations:
        click.echo(f"kept in {send_checkpoint(note, destination)}", err=True)


def _go_on(log: AuditLog, signing: SigningKey, destinations: tuple[str, ...], every: float) -> None:
    """Until the process is ended. What a destination refused is sent there again."""
    from vreason.errors import TrackingError
    from vreason_tracking.audit import send_checkpoint

    printed, kept = "", dict.fromkeys(destinations, "")
    while True:
        try:
            note = log.sign(signing)
            if note != printed:
                click.echo(note)
                printed = note
            for destination in [each for each, last in kept.items() if last != note]:
                click.echo(f"kept in {send_checkpoint(note, destination)}", err=True)
                kept[destination] = note
        except TrackingError as error:
            click.echo(f"tried again in {every:g} s: {error}", err=True)
        time.sleep(every)
