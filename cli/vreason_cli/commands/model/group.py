"""``vreason-track model``: runs as versions of a model that can be named, loaded, served and verified."""

from __future__ import annotations

import click

from vreason_cli.commands.model.diff import diff_command
from vreason_cli.commands.model.list import list_command
from vreason_cli.commands.model.promote import promote_command
from vreason_cli.commands.model.register import register_command
from vreason_cli.commands.model.retire import retire_command
from vreason_cli.commands.model.serve import serve_command
from vreason_cli.commands.model.show import show_command
from vreason_cli.commands.model.verify import verify_command
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP


@click.group("model", cls=OrderedGroup, context_settings=HELP)
def model_group() -> None:
    """Register runs as models, and look after their versions.

    MODEL names a version: NAME (the newest one), NAME/3, or NAME@champion.
    """


for _command in (
    register_command,
    list_command,
    show_command,
    verify_command,
    promote_command,
    retire_command,
    diff_command,
    serve_command,
):
    model_group.add_command(_command)
