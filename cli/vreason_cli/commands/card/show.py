"""``vreason-track card show``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.card_output import evidence_of, notes_for, which_card


@click.command("show", short_help="Print the card of recorded runs.", context_settings=HELP)
@click.argument("runs", nargs=-1, required=True, metavar="MODEL|RUN...")
@which_card
@options.as_json
def show_command(
    runs: tuple[str, ...],
    title: str | None,
    baseline: str | None,
    force: bool,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
    as_json: bool,
) -> None:
    """Print what `card build` would write: the card, or its evidence as JSON. MODEL names a version: shapes/3, shapes@champion.

    Exit codes: 0 done, 5 a run is not there, or its record cannot be read, 6 the runs are not alike.
    """
    from vreason_tracking.cards import to_readme
    from vreason_tracking.catalog import Catalog

    evidence = evidence_of(runs, journal, tracking_uri, experiment, title, baseline, force)
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    click.echo(evidence.to_json() if as_json else to_readme(evidence, notes_for(evidence, None, catalog)), nl=False)
