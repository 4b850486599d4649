"""What the commands for cards share: which runs are meant, and their evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vreason_cli import options

if TYPE_CHECKING:
    from vreason_tracking.bundles import Version
    from vreason_tracking.cards import Evidence
    from vreason_tracking.catalog import Catalog

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
    """The evidence of runs, by their names; or of a version of a model: its run, and the finished ones of the same call of `run`.

    Raises:
        IncomparableRunsError: they are not alike.
        TrackingError: one is not there, or its record cannot be read.
    """
    from vreason_tracking.cards import gather
    from vreason_tracking.catalog import Catalog, recorded_runs
    from vreason_tracking.comparison import named_runs

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    if len(names) == 1 and ("/" in names[0] or "@" in names[0]):
        version = _version(names[0], catalog)
        title, names = title or version.label, _call_of(version, catalog)
    found = named_runs(catalog, names, baseline)
    with recorded_runs(found.runs, steps=False) as runs:
        return gather(runs, title or runs[0].config or runs[0].name, catalog.root, baseline, force=force)


def _version(name: str, catalog: Catalog) -> Version:
    """The version of a model that is meant.

    Raises:
        TrackingError: there is none, or the store cannot be opened.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.bundles import Registry

    opened = catalog.open_store()
    if opened.store is None:
        raise opened.store_error or TrackingError(f"{catalog.address}: cannot be opened; name the store with --tracking-uri")
    return Registry(opened.store).find(name)


def _call_of(version: Version, catalog: Catalog) -> list[str]:
    """Ids of the runs of the call that a version's run is of, oldest first; a run that is of none is alone."""
    from vreason_tracking.records import CALL_TAG

    index = catalog.read()
    run = index.find(version.run_id)
    call = run.tags.get(CALL_TAG) or (run.local.manifest.call_id if run.local else "")
    beside = [
        each
        for each in index.runs
        if call and call in (each.tags.get(CALL_TAG), each.local.manifest.call_id if each.local else None) and each.status == "FINISHED"
    ]
    ids = [each.shown_id for each in sorted(beside, key=lambda each: (each.started_ms, each.variant != "baseline", each.variant))]
    return ids if run.shown_id in ids else [*ids, run.shown_id]
