"""``vreason-track runs reap``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.catalog import Catalog
    from vreason_tracking.delivery import Reaped


@click.command("reap", short_help="Close runs whose process is gone.", context_settings=HELP)
@options.both_sides
@click.option(
    "--silent-for",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="MINUTES",
    help="Silence after which a run of another machine is taken for dead; it is heard of every 15 seconds while its store answers.",
)
@click.option("--dry-run", is_flag=True, help="Only say which runs would be closed.")
@options.as_json
def reap_command(tracking_uri: str | None, experiment: str, journal: str | None, silent_for: int, dry_run: bool, as_json: bool) -> None:
    """Close runs whose process is gone, as KILLED: those of the journal here, and silent ones of the store.

    What they finished is kept, and `run --resume` continues them. Of those in the journal MLflow is told when they are delivered.
    """
    from vreason_cli.terminal import sources
    from vreason_tracking.catalog import Catalog

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    found = []
    for source, reaped in _reap(catalog, silent_for, dry_run):
        found.append({"place": source, **_fields(reaped)})
        if not as_json:
            done = "would be closed" if dry_run else "closed as KILLED"
            click.echo(f"{reaped.run_id} ({reaped.name}, {reaped.host}): {done}: {reaped.reason}")
    sources.require_either(catalog)
    if as_json:
        from vreason_cli.terminal.listing import print_json

        print_json({"reaped": found, "dry_run": dry_run, **sources.fields(catalog)})
        return
    sources.print_notes(catalog)
    _print_end(found, dry_run)


def _fields(reaped: Reaped) -> dict[str, str]:
    return {"id": reaped.run_id, "variant": reaped.name, "host": reaped.host, "reason": reaped.reason}


def _reap(catalog: Catalog, minutes: int, dry: bool) -> Iterator[tuple[str, Reaped]]:
    """Where each run is, and the run. The journal's come first: they can be closed without a store.

    Raises:
        TrackingError: at the end, when some of them could not be closed.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.catalog import reap_journal
    from vreason_tracking.delivery import reap_store
    from vreason_tracking.catalog import translate_store_errors

    failure = None
    try:
        yield from (("journal", reaped) for reaped in reap_journal(catalog.root, dry=dry))
    except TrackingError as error:
        failure = error
    if catalog.store is not None:
        with translate_store_errors(catalog.store):
            yield from (("store", reaped) for reaped in reap_store(catalog.store, catalog.root, minutes * 60_000, dry=dry))
    if failure is not None:
        raise failure


def _print_end(found: list[dict[str, str]], dry: bool) -> None:
    if not found:
        click.echo("no dead or silent run")
        return
    click.echo(f"{len(found)} run(s) {'would be closed' if dry else 'closed'}")
    if not dry and any(each["place"] == "journal" for each in found):
        click.echo("tell MLflow:  vreason-track journal deliver")
