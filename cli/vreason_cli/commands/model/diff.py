"""``vreason-track model diff``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("diff", short_help="What differs between two versions, settings and figures.", context_settings=HELP)
@click.argument("one", metavar="MODEL")
@click.argument("other", metavar="MODEL")
@options.both_sides
@options.as_json
def diff_command(one: str, other: str, tracking_uri: str | None, experiment: str, journal: str | None, as_json: bool) -> None:
    """Show every setting that differs between two versions, and their runs' figures with intervals, compared question by question.

    The first MODEL is the baseline. Exit codes: 0 done, 5 a version or a record cannot be found or read.
    """
    from vreason_cli.terminal.comparison_output import print_comparison
    from vreason_cli.terminal.listing import print_json
    from vreason_cli.terminal.model_output import difference_document, open_registry, print_changes
    from vreason_tracking.bundles import difference
    from vreason_tracking.catalog import Catalog

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    with difference(open_registry(tracking_uri), catalog, one, other) as found:
        if as_json:
            print_json(difference_document(found))
            return
        print_changes("settings", found.settings, found.one.label, found.other.label)
        if found.comparison is None:
            print_changes("figures", found.figures, found.one.label, found.other.label)
            click.echo(f"note: {found.note}", err=True)
        else:
            print_comparison(found.comparison, [])
