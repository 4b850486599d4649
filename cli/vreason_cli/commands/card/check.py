"""``vreason-track card check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.card_output import is_version, read_notes

if TYPE_CHECKING:
    from contextlib import ExitStack

    from vreason_tracking.cards import Evidence, Mismatch
    from vreason_tracking.catalog import Catalog


@click.command("check", short_help="Hold a card against the record.", context_settings=HELP)
@click.argument("card", metavar="CARD|MODEL")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="VREASON_PUBLIC_KEY",
    show_envvar=True,
    help="The team's key (PEM): also check the signature of the version that the card is of.",
)
@options.both_sides
@options.as_json
def check_command(
    card: str, public_key: Path | None, tracking_uri: str | None, experiment: str, journal: str | None, as_json: bool
) -> None:
    """Compute every figure of CARD (a README.md, or its folder with all files) again from the raw samples, and say where it and the record
    disagree; also of a card that somebody has edited, or that was pushed to the Hub, and of the one that is stored beside MODEL (shapes/3).
    Its hand-written part may say what it likes. Files are held against the digests in the audit trail beside the journal, and its entries
    against their tree; of a card of a registered version, its bundle against what was registered, and with --public-key its signature.

    Exit codes: 0 they agree, 2 there is no such file, 5 this is no card, or its record cannot be read, 8 they disagree.
    """
    from contextlib import ExitStack
    from dataclasses import asdict

    from vreason.errors import CardMismatchError
    from vreason_cli.terminal.listing import print_json
    from vreason_tracking.cards import check, check_folder, check_sources
    from vreason_tracking.catalog import Catalog

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    with ExitStack() as closing:
        path = _place(card, catalog, closing)
        readme = path / "README.md" if path.is_dir() else path
        text = read_notes(readme)
        shown = card if is_version(card) and not Path(card).exists() else str(readme)
        evidence, found = _evidence(text, shown, catalog, public_key)
        found += [*check(text, evidence), *check_sources(evidence, catalog.root)]
        if path.is_dir():
            found += check_folder(path, text, evidence)
    if as_json:
        print_json({"card": shown, "agrees": not found, "mismatches": [asdict(each) for each in found]})
    elif not found:
        click.echo(f"{shown}: agrees with the record, {len(evidence.figures):,} figures of {len(evidence.runs)} run(s)")
    if found:
        raise CardMismatchError("\n".join(f"{shown}: {each}" for each in found))


def _place(card: str, catalog: Catalog, closing: ExitStack) -> Path:
    """The card's file or folder; of a version's, a copy that is there until the end."""
    from tempfile import TemporaryDirectory

    from vreason_tracking.bundles import Registry
    from vreason_tracking.cards import stored_card, write_files

    if Path(card).exists():
        return Path(card)
    if not is_version(card) or Path(card).suffix:
        raise click.BadParameter(f"{card!r} is not there; name a card's README.md or its folder, or a version such as shapes/3")
    registry = Registry.of(catalog)
    folder = Path(closing.enter_context(TemporaryDirectory(prefix="vreason-card-")))
    write_files(stored_card(registry, registry.find(card)), folder)
    return folder


def _evidence(text: str, shown: str, catalog: Catalog, public_key: Path | None) -> tuple[Evidence, list[Mismatch]]:
    """What the record says of the runs that a card names, and what of the version that it is of is not as it was registered."""
    from vreason.errors import TrackingError
    from vreason_tracking.bundles import Registry
    from vreason_tracking.cards import check_bundle, claims_of, gather, version_evidence
    from vreason_tracking.catalog import recorded_runs
    from vreason_tracking.comparison import named_runs

    try:
        claims = claims_of(text)
    except TrackingError as error:
        raise TrackingError(f"{shown}: {error}") from None
    if claims.model is None:
        with recorded_runs(named_runs(catalog, claims.runs, claims.baseline).runs) as runs:
            return gather(runs, claims.title, catalog.root, claims.baseline, force=True), []
    registry = Registry.of(catalog)
    version = registry.find(claims.model)
    evidence = version_evidence(registry, version, catalog, claims.title, claims.baseline, runs=claims.runs, force=True)
    return evidence, check_bundle(registry, catalog, version, public_key)
