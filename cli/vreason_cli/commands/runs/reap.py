"""``vreason-track runs reap``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.catalog import Catalog, Sources
    from vreason_tracking.delivery import Reaped
    from vreason_tracking.stores import MlflowStore


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

    found: list[dict[str, str]] = []

    def tell(place: str, reaped: Reaped) -> None:
        found.append({"place": place, **_fields(reaped)})
        if not as_json:
            done = "would be closed" if dry_run else "closed as KILLED"
            click.echo(f"{reaped.run_id} ({reaped.name}, {reaped.host}): {done}: {reaped.reason}")

    opened = _reap(Catalog(options.journal_root(journal), tracking_uri, experiment), silent_for, dry_run, tell)
    sources.require_either(opened)
    if as_json:
        from vreason_cli.terminal.listing import print_json

        print_json({"reaped": found, "dry_run": dry_run, **sources.fields(opened)})
        return
    sources.print_notes(opened)
    _print_end(found, dry_run)


def _fields(reaped: Reaped) -> dict[str, str]:
    return {"id": reaped.run_id, "variant": reaped.name, "host": reaped.host, "reason": reaped.reason}


def _reap(catalog: Catalog, minutes: int, dry: bool, tell: Callable[[str, Reaped], None]) -> Sources:
    """Tells of each run where it is, and what became of it. The journal's come first: they can be closed without a store.

    Raises:
        TrackingError: at the end, when some of them could not be closed.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.catalog import reap_journal

    failure = None
    try:
        for reaped in reap_journal(catalog.root, dry=dry):
            tell("journal", reaped)
    except TrackingError as error:
        failure = error
    opened = catalog.open_store()
    if opened.store is not None:
        for reaped in _reap_silent(opened.store, catalog.root, minutes, dry):
            tell("store", reaped)
    if failure is not None:
        raise failure
    return opened


def _reap_silent(store: MlflowStore, root: Path, minutes: int, dry: bool) -> Iterator[Reaped]:
    from vreason_tracking.catalog import translate_store_errors
    from vreason_tracking.delivery import reap_store

    with translate_store_errors(store):
        yield from reap_store(store, root, minutes * 60_000, dry=dry)


def _print_end(found: list[dict[str, str]], dry: bool) -> None:
    if not found:
        click.echo("no dead or silent run")
        return
    click.echo(f"{len(found)} run(s) {'would be closed' if dry else 'closed'}")
    if not dry and any(each["place"] == "journal" for each in found):
        click.echo("tell MLflow:  vreason-track journal deliver")
