"""``vreason-track model show``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("show", short_help="Everything about one version.", context_settings=HELP)
@click.argument("model")
@options.tracking_uri
@options.as_json
def show_command(model: str, tracking_uri: str | None, as_json: bool) -> None:
    """Show MODEL: the run that it was made of, method, prompt, frames, decoding, what a caller may set, figures, and its standing."""
    from vreason_cli.terminal.listing import print_json
    from vreason_cli.terminal.model_output import open_registry, print_version, version_document

    registry = open_registry(tracking_uri)
    version = registry.find(model)
    bundle = registry.bundle(version)
    if as_json:
        print_json({**version_document(version), "bundle": bundle.model_dump(mode="json")})
    else:
        print_version(version, bundle)
