"""``vreason-track model retire``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("retire", short_help="Say that a version is not to be used any more.", context_settings=HELP)
@click.argument("model")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stays on the version.")
@click.option("--with-aliases", is_flag=True, help="Also if aliases point at it: they are taken away.")
@options.tracking_uri
def retire_command(model: str, reason: str, with_aliases: bool, tracking_uri: str | None) -> None:
    """Retire MODEL: it is no longer promoted nor served. Its files, its run and its history stay.

    Exit codes: 0 done, 5 there is no such version, it is retired already, or aliases point at it.
    """
    from vreason_cli.terminal.model_output import open_registry
    from vreason_tracking.bundles import retire

    if not reason.strip():
        raise click.BadParameter("is empty; say why", param_hint="--reason")
    version = retire(open_registry(tracking_uri), model, reason, with_aliases=with_aliases)
    click.echo(f"{version.label} is retired: {version.retired}")
