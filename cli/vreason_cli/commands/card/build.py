"""``vreason-track card build``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.card_output import evidence_of, is_version, notes_for, which_card


@click.command("build", short_help="Make a card of recorded runs.", context_settings=HELP)
@click.argument("runs", nargs=-1, required=True, metavar="MODEL|RUN...")
@which_card
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="card",
    show_default=True,
    metavar="DIR",
    help="Folder for README.md, card.html, evidence.json and mlbom.cdx.json, made if it is not there.",
)
@click.option(
    "--notes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Markdown that somebody has written, marked as such. Default: card.md beside the run's config, else what is in its card.",
)
@click.option("--store", is_flag=True, help="Also put it beside the version in the registry, in the place of the one there.")
def build_command(
    runs: tuple[str, ...],
    out: Path,
    notes: Path | None,
    store: bool,
    title: str | None,
    baseline: str | None,
    force: bool,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
) -> None:
    """Make README.md, as the Hugging Face Hub reads it, card.html, which needs nothing else, evidence.json, and mlbom.cdx.json, a
    CycloneDX bill of materials: every figure computed from the raw samples, with its interval, the number of questions and videos, the
    runs, their files' digests and their entries in the audit trail. What is missing is said to be. MODEL names a version (shapes/3,
    shapes@champion): its run, beside those of the same call.

    The same record gives the same bytes.

    Exit codes: 0 done, 2 --store without a version, 5 a run is not there, its record cannot be read, or the folder cannot be written, 6 the
    runs are not alike.
    """
    from vreason.errors import ConfigError, ConfigIssue
    from vreason_cli.terminal.audit_handover import hand_over_to
    from vreason_tracking.bundles import Registry
    from vreason_tracking.cards import card_files, store_card, write_files
    from vreason_tracking.catalog import Catalog

    if store and not (len(runs) == 1 and is_version(runs[0])):
        raise ConfigError([ConfigIssue("--store", "belongs to a version of a model; name one, such as shapes/3")])
    evidence = evidence_of(runs, journal, tracking_uri, experiment, title, baseline, force)
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    written = notes_for(evidence, notes, catalog, out)
    write_files(card_files(evidence, written), out)
    click.echo(f"{out / 'README.md'}: {len(evidence.runs)} variant(s), {len(evidence.figures):,} figures")
    if store:
        registry = Registry.of(catalog)
        version = registry.find(runs[0])
        store_card(registry, version, evidence, written)
        hand_over_to(catalog.uri, catalog.root, err=True)
        click.echo(f"{version.label}: its card is stored beside it")
    for each in evidence.missing:
        click.echo(f"not in the record: {each}", err=True)
