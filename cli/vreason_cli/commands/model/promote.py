"""``vreason-track model promote``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


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
@options.both_sides
@options.as_json
def promote_command(
    model: str,
    alias: str,
    requirements: tuple[str, ...],
    no_regression_against: str | None,
    margin: float,
    force: str | None,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
    as_json: bool,
) -> None:
    """Let ALIAS (such as champion) point at MODEL.

    What was asked, what was found, who did it and when stay on the version. "No difference is shown" does not pass
    --no-regression-against: the questions have to show that the version is no worse (a one-sided test, as in `compare`).

    Exit codes: 0 done, 2 a wrong requirement or alias, 5 no such version or run, 6 it does not pass, or the runs are not alike.
    """
    from dataclasses import asdict

    from vreason_cli.terminal.listing import print_json
    from vreason_cli.terminal.model_output import open_registry, version_document
    from vreason_tracking.bundles import Gating, promote
    from vreason_tracking.catalog import Catalog

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    gating = Gating(requirements, no_regression_against, margin, force)
    done = promote(open_registry(tracking_uri), catalog, model, alias, gating)
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
