"""``vreason-track model verify``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("verify", short_help="Check files, signature, weights and run of a version.", context_settings=HELP)
@click.argument("model")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="VREASON_PUBLIC_KEY",
    show_envvar=True,
    help="The team's public key (PEM); an unsigned version is then a fault.",
)
@click.option("--example", is_flag=True, help="Load the bundle, and let it answer its example.")
@options.both_sides
@options.as_json
def verify_command(
    model: str, public_key: Path | None, example: bool, tracking_uri: str | None, experiment: str, journal: str | None, as_json: bool
) -> None:
    """Check whether MODEL is what was registered: every file, the signature, the weights here, and the run that it was made of.

    Exit codes: 0 nothing is wrong (what could not be checked is a warning), 2 a wrong key, 5 something is wrong.
    """
    from dataclasses import asdict

    from vreason_cli.terminal.listing import print_json
    from vreason_cli.terminal.model_output import open_registry
    from vreason_tracking.bundles import verify_version
    from vreason_tracking.catalog import Catalog

    registry = open_registry(tracking_uri)
    version = registry.find(model)
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    checks = []
    for check in verify_version(registry, catalog, version, public_key, example=example):
        checks.append(check)
        if not as_json:
            mark, colour = {"ok": ("ok", "green"), "warning": ("--", "yellow"), "failure": ("FAULT", "red")}[check.state]
            click.echo(f"{click.style(f'{mark:<5}', fg=colour, bold=True)}  {check.name:<11} {check.detail}")
            if check.hint and check.state != "ok":
                click.echo(f"{'':<19}{check.hint}")
    failed = [check for check in checks if check.state == "failure"]
    if as_json:
        print_json({"version": version.label, "verified": not failed, "checks": [asdict(check) for check in checks]})
    if failed:
        click.get_current_context().exit(5)
