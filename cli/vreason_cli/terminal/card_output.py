"""What the commands for cards share: which runs are meant, and their evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vreason_cli import options

if TYPE_CHECKING:
    from vreason_tracking.cards import Evidence

_Command = TypeVar("_Command", bound=Callable[..., Any])


def which_card(command: _Command) -> _Command:
    """Of what a card is made: title, baseline, whether unlike runs are shown side by side, and where they are."""
    for option in (
        click.option("--force", is_flag=True, help="Also runs that are not alike, with a warning on the card."),
        click.option("--baseline", metavar="RUN", help="The run that the others are compared with; default: the one without a method."),
        click.option("--title", help="Of the card; default: the config's name."),
        options.both_sides,
    ):
        command = option(command)
    return command


def evidence_of(
    names: Sequence[str],
    journal: str | None,
    tracking_uri: str | None,
    experiment: str,
    title: str | None,
    baseline: str | None,
    force: bool,
) -> Evidence:
    """The evidence of runs, by their names.

    Raises:
        IncomparableRunsError: they are not alike.
        TrackingError: one is not there, or its record cannot be read.
    """
    from vreason_tracking.cards import gather
    from vreason_tracking.catalog import Catalog, recorded_runs
    from vreason_tracking.comparison import named_runs

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    found = named_runs(catalog, names, baseline)
    with recorded_runs(found.runs) as runs:
        return gather(runs, title or runs[0].config or runs[0].name, catalog.root, baseline, force=force)
