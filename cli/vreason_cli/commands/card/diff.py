"""``vreason-track card diff``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.card_output import evidence_of, is_version


@click.command("diff", short_help="What two cards say differently.", context_settings=HELP)
@click.argument("one", metavar="MODEL|RUN")
@click.argument("other", metavar="MODEL|RUN")
@options.both_sides
@options.as_json
def diff_command(one: str, other: str, tracking_uri: str | None, experiment: str, journal: str | None, as_json: bool) -> None:
    """Print every setting, figure and statement in which the cards of two versions (shapes/2 shapes@champion) or runs differ, and the
    paired statistics where both were asked the same questions.

    Exit codes: 0 done, 5 a version or run is not there, or its record cannot be read.
    """
    from dataclasses import asdict

    from vreason_cli.terminal.listing import print_json, print_table
    from vreason_tracking.bundles import Registry
    from vreason_tracking.cards import difference_table, differences, paired_verdict
    from vreason_tracking.catalog import Catalog

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    cards, runs = [], []
    for name in (one, other):
        cards.append(evidence_of([name], journal, tracking_uri, experiment, name, None, force=True))
        runs.append(Registry.of(catalog).find(name).run_id if is_version(name) else catalog.find(name).shown_id)
    found = differences(*cards)
    paired = paired_verdict(catalog, *runs)
    if as_json:
        print_json({"one": one, "other": other, "differences": [asdict(each) for each in found], "paired": paired})
        return
    if found:
        table = difference_table(found, one, other)
        print_table(table.columns, table.rows)
    else:
        click.echo("no difference in settings, figures or statements")
    click.echo(paired)
