"""``vreason-track model list``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("list", short_help="List models and their versions.", context_settings=HELP)
@click.argument("name", required=False)
@options.tracking_uri
@options.as_json
def list_command(name: str | None, tracking_uri: str | None, as_json: bool) -> None:
    """List the versions of every model that was registered here, or of the model NAME; the newest first."""
    from vreason_cli.terminal.listing import moment, print_json, print_table
    from vreason_cli.terminal.model_output import open_registry, version_document
    from vreason_tracking.catalog import iso

    registry = open_registry(tracking_uri)
    versions = registry.versions(name)
    if as_json:
        print_json({"registry": registry.address, "versions": [version_document(each) for each in versions]})
        return
    if not versions:
        what = f"no model {name!r}" if name else "no model"
        click.echo(f"{what} in {registry.address}; register a run with `vreason-track model register RUN --name NAME`")
        return
    rows = [
        [
            each.label,
            " ".join(f"@{alias}" for alias in each.aliases),
            "retired" if each.retired else "forced" if each.forced else "",
            "yes" if each.signed else "no",
            each.example,
            each.run_id[:12],
            moment(iso(each.created_ms), "minutes"),
            each.created_by,
        ]
        for each in versions
    ]
    heads = ("version", "aliases", "state", "signed", "example", "run", "registered", "by")
    print_table(heads, rows, spare=("by", "run", "example", "registered"))
