"""``vreason-track audit log``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import which_log
from vreason_cli.terminal.since import since


@click.command("log", short_help="List entries: who changed what, and when.", context_settings=HELP)
@click.argument("subject", required=False)
@which_log
@click.option("--actor", metavar="NAME", help="Only what this user did.")
@click.option("--action", metavar="NAME", help="Only this action; one that ends with a dot stands for all that begin so: run.")
@click.option("--since", "since_ms", callback=since, metavar="WHEN", help="Only since then: 2d, 90min, 2026-11-01T09:30.")
@click.option("--until", "until_ms", callback=since, metavar="WHEN", help="Only until then.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many, the newest ones.")
@click.option("--oldest-first", is_flag=True, help="In the order in which they were entered.")
@options.as_json
def log_command(
    subject: str | None,
    database: str | None,
    journal: str | None,
    actor: str | None,
    action: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int,
    oldest_first: bool,
    as_json: bool,
) -> None:
    """List entries of the audit trail, the newest first. With SUBJECT only those of one: run:ID, model:NAME/3, user:NAME; with * at
    its end of all that begin so: 'model:NAME/*'.

    Exit codes: 0 done, 5 there is no audit trail, or it cannot be read.
    """
    from datetime import UTC, datetime

    from vreason_cli.terminal.audit_output import fields_of, open_log, print_entries
    from vreason_tracking.audit import Filter

    since, until = (None if each is None else datetime.fromtimestamp(each / 1000, UTC) for each in (since_ms, until_ms))
    wanted = Filter(actor, subject, action, since, until)
    entries = open_log(database, journal).entries(wanted, newest_first=True, limit=limit)
    if oldest_first:
        entries.reverse()
    if as_json:
        from vreason_cli.terminal.listing import print_json

        print_json({"entries": [fields_of(each) for each in entries]})
    elif entries:
        print_entries(entries)
    else:
        click.echo("no entry; `vreason-track audit log` without a filter lists all")
