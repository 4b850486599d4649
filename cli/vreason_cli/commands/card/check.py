"""``vreason-track card check``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.card_output import evidence_of, read_notes, registry_of


@click.command("check", short_help="Hold a card against the record.", context_settings=HELP)
@click.argument("card", type=click.Path(exists=True, path_type=Path))
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
    card: Path, public_key: Path | None, tracking_uri: str | None, experiment: str, journal: str | None, as_json: bool
) -> None:
    """Compute every figure of CARD (a README.md, or its folder) again from the raw samples, and say where it and the record disagree; also
    of a card that somebody has edited, or that was pushed to the Hub. Its hand-written part may say what it likes. Files are held against
    the digests in the audit trail beside the journal, and its entries against their tree; of a card of a registered version, its bundle
    against what was registered, and with --public-key its signature.

    Exit codes: 0 they agree, 5 this is no card, or its record cannot be read, 8 they disagree.
    """
    from dataclasses import asdict

    from vreason.errors import CardMismatchError, TrackingError
    from vreason_cli.terminal.listing import print_json
    from vreason_tracking.cards import check, check_bundle, check_sources, claims_of, version_evidence
    from vreason_tracking.catalog import Catalog

    path = card / "README.md" if card.is_dir() else card
    text = read_notes(path)
    try:
        claims = claims_of(text)
    except TrackingError as error:
        raise TrackingError(f"{path}: {error}") from None
    if claims.model is None:
        evidence = evidence_of(claims.runs, journal, tracking_uri, experiment, claims.title, claims.baseline, force=True)
        found = []
    else:
        catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
        registry = registry_of(catalog)
        version = registry.find(claims.model)
        evidence = version_evidence(version, catalog, claims.title, claims.baseline, force=True)
        found = check_bundle(registry, catalog, version, public_key)
    found += [*check(text, evidence), *check_sources(evidence, options.journal_root(journal))]
    if as_json:
        print_json({"card": str(path), "agrees": not found, "mismatches": [asdict(each) for each in found]})
    elif not found:
        click.echo(f"{path}: agrees with the record, {len(evidence.figures):,} figures of {len(evidence.runs)} run(s)")
    if found:
        raise CardMismatchError("\n".join(f"{path}: {each}" for each in found))
