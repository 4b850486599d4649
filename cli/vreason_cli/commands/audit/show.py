"""``vreason-track audit show``."""

from __future__ import annotations

import json

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import which_log


@click.command("show", short_help="Print one entry in full.", context_settings=HELP)
@click.argument("index", metavar="ENTRY", type=click.IntRange(min=0))
@which_log
@options.as_json
def show_command(index: int, database: str | None, journal: str | None, as_json: bool) -> None:
    """Print the entry at place ENTRY, from 0, with its details and its hash.

    Exit codes: 0 done, 5 there is no such entry, or the audit trail cannot be read.
    """
    from vreason_cli.terminal.audit_output import fields_of, open_log
    from vreason_cli.terminal.listing import print_json
    from vreason_tracking.audit import leaf_hash

    entry = open_log(database, journal).entry(index)
    fields = fields_of(entry) | {"hash": leaf_hash(entry.to_bytes()).hex()}
    if as_json:
        print_json(fields)
        return
    details = fields.pop("details")
    for name, value in fields.items():
        click.echo(f"{name:9} {'-' if value in (None, '') else value}")
    if details:
        click.echo("details   " + json.dumps(details, ensure_ascii=False, indent=2).replace("\n", f"\n{'':10}"))
