"""``vreason-track card serve``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("serve", short_help="Show all cards as pages and an API.", context_settings=HELP)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine; nobody has to say who they are.")
@click.option("--port", type=click.IntRange(0, 65535), default=8710, show_default=True, help="0 takes a free one.")
@options.both_sides
def serve_command(host: str, port: int, tracking_uri: str | None, experiment: str, journal: str | None) -> None:
    """Serve the cards of all registered versions until Ctrl-C: a list with search, each card, two side by side, histories, badges, a feed
    of new versions, and a JSON API. For a team, `vreason-track server` has the same pages behind users.

    Exit codes: 0 ended by Ctrl-C, 2 others could reach the address, 5 the store cannot be used, or the port is taken.
    """
    from vreason_tracking.cards import serve_cards
    from vreason_tracking.catalog import Catalog
    from vreason_tracking.server import require_loopback

    require_loopback(host)
    serve_cards(Catalog(options.journal_root(journal), tracking_uri, None), host, port, lambda text: click.echo(text, err=True))
