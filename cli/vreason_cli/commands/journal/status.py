"""``vreason-track journal status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.catalog import JournalRow


@click.command("status", short_help="What is recorded, delivered, waiting.", context_settings=HELP)
@options.journal
@options.as_json
def status_command(journal: str | None, as_json: bool) -> None:
    """List the runs of the journal: points recorded, delivered and waiting, what keeps them, size, and where they go.

    Looks at this machine only; no store is asked.
    """
    from vreason_cli.terminal.listing import is_terminal, print_json, print_table, size
    from vreason_tracking.catalog import journal_rows, totals

    root = options.journal_root(journal)
    rows = journal_rows(root)
    sums = totals(rows)
    if as_json:
        from dataclasses import asdict

        print_json({"journal": str(root), "runs": [asdict(row) for row in rows], **sums})
        return
    if not rows:
        click.echo(f"no runs in {root}: `vreason-track run --config FILE` makes some; --journal names another folder")
        return
    brief = is_terminal()
    cells = [[*_cells(row), row.state if brief else _state(row)] for row in rows]
    print_table(_COLUMNS, cells, right=("recorded", "delivered", "waiting", "size"), spare=("destination", "size"))
    for row in rows if brief else ():
        if _state(row) != row.state:
            click.echo(f"{row.journal_id}: {_state(row)}")
    points = f"{sums['recorded']:,} points recorded, {sums['delivered']:,} delivered, {sums['waiting']:,} waiting"
    click.echo(f"{len(rows)} run(s): {points}; {size(sums['bytes'])} in {root}")


_COLUMNS = ("run", "variant", "recorded", "delivered", "waiting", "size", "destination", "state")


def _cells(row: JournalRow) -> list[str]:
    from vreason_cli.terminal.listing import size

    return [
        row.journal_id,
        row.variant or "?",
        *(f"{count:,}" for count in (row.recorded, row.delivered, row.waiting)),
        size(row.bytes),
        row.destination or "?",
    ]


def _state(row: JournalRow) -> str:
    """The state, and what is behind it: too long for a table that has to fit."""
    delivering = f", {row.deliverer} delivers it" if row.deliverer else ""
    return row.state + (f": {row.detail}" if row.detail else "") + delivering
