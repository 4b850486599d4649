"""``vreason-track model promote``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.listing import print_json, print_table

if TYPE_CHECKING:
    from vreason_tracking.bundles import Registry
    from vreason_tracking.catalog import Catalog


@click.command("promote", short_help="Let an alias point at a version, if it passes what is asked.", context_settings=HELP)
@click.argument("model")
@click.argument("alias")
@click.option(
    "--require",
    "requirements",
    multiple=True,
    metavar="'NAME >= VALUE'",
    help="A figure of its run that has to be so, such as 'accuracy >= 0.9' or 'latency/p95_ms <= 900'. Repeatable.",
)
@click.option(
    "--no-regression-against",
    metavar="MODEL",
    help="A version, such as @champion: its run has to be no worse, at 95 % confidence, by more than the margin.",
)
@click.option("--margin", type=float, default=0.02, show_default=True, help="Accuracy that may be lost, as a share: 0.02 is two points.")
@click.option("--force", metavar="REASON", help="Promote it although it does not pass; the reason stays on the version.")
@click.option("--reason", metavar="TEXT", help="Why; it stays on the version and in the audit trail. On a terminal it is asked for.")
@options.both_sides
@options.as_json
def promote_command(
    model: str,
    alias: str,
    requirements: tuple[str, ...],
    no_regression_against: str | None,
    margin: float,
    force: str | None,
    reason: str | None,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
    as_json: bool,
) -> None:
    """Let ALIAS (such as champion) point at MODEL, after showing in what its card differs from that of the version before.

    What was asked, what was found, who did it and when stay on the version. "No difference is shown" does not pass
    --no-regression-against: the questions have to show that the version is no worse (a one-sided test, as in `compare`).

    Exit codes: 0 done, 2 a wrong requirement or alias, or no reason, 5 no such version or run, 6 it does not pass, or the runs are not
    alike.
    """
    from dataclasses import asdict

    from vreason_cli.terminal.audit_handover import hand_over_to
    from vreason_cli.terminal.model_output import version_document
    from vreason_tracking.bundles import Gating, Registry, promote
    from vreason_tracking.catalog import Catalog

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    registry = Registry.of(catalog)
    if not as_json:
        _show_difference(registry, catalog, model, alias)
    why = _why(force, reason)
    done = promote(registry, catalog, model, alias, Gating(requirements, no_regression_against, margin, force, why))
    hand_over_to(catalog.uri, catalog.root, err=True)
    before = done.before.label if done.before else None
    if as_json:
        print_json(
            {**version_document(done.version), "alias": done.alias, "before": before, "gates": [asdict(gate) for gate in done.gates]}
        )
        return
    for gate in done.gates:
        click.echo(f"{'passed' if gate.passed else 'FORCED'}  {gate.requirement}: {gate.found}")
    moved = "was there before" if before == done.version.label else f"was {before} before" if before else "is new"
    click.echo(f"{done.version.name}@{done.alias} is {done.version.label} ({moved})")


def _show_difference(registry: Registry, catalog: Catalog, model: str, alias: str) -> None:
    """In what the two versions' cards differ; on standard error, where it is in no program's way."""
    from vreason.errors import VReasonError
    from vreason_tracking.cards import difference_table, differences, version_evidence

    version = registry.find(model)
    before = next((each for each in registry.versions(version.name) if alias.removeprefix("@") in each.aliases), None)
    if before is None or before.version == version.version:
        return
    try:
        found = differences(*(version_evidence(registry, each, catalog, force=True) for each in (before, version)))
    except VReasonError as error:
        click.echo(f"the cards of {before.label} and {version.label} cannot be compared: {error}", err=True)
        return
    if not found:
        click.echo(f"the cards of {before.label} and {version.label} say the same", err=True)
        return
    table = difference_table(found, before.label, version.label)
    print_table(table.columns, table.rows, err=True)


def _why(force: str | None, reason: str | None) -> str:
    """The reason that was given, or is asked for.

    Raises:
        ConfigError: there is none, and nobody to ask.
    """
    import sys

    from vreason.errors import ConfigError, ConfigIssue

    given = reason if reason is not None else force
    if given is None and sys.stdin is not None and sys.stdin.isatty():
        given = click.prompt("Why does the alias move?", err=True)
    if given is None or not given.strip():
        raise ConfigError([ConfigIssue("--reason", "is missing; say why the alias moves, it stays on the version and in the audit trail")])
    return str(given).strip()
