"""``vreason-track card``: model cards that are derived from the record."""

from __future__ import annotations

import click

from vreason_cli.commands.card.build import build_command
from vreason_cli.commands.card.check import check_command
from vreason_cli.commands.card.diff import diff_command
from vreason_cli.commands.card.export import export_command
from vreason_cli.commands.card.serve import serve_command
from vreason_cli.commands.card.show import show_command
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP


@click.group("card", cls=OrderedGroup, context_settings=HELP)
def card_group() -> None:
    """Make model cards out of recorded runs, and hold them against the record."""


for _command in (build_command, show_command, check_command, diff_command, export_command, serve_command):
    card_group.add_command(_command)
