"""``vreason-track runs``: what has been run, from the journal and from MLflow as one list."""

from __future__ import annotations

import click

from vreason_cli.commands.runs.delete import delete_command
from vreason_cli.commands.runs.list import list_command
from vreason_cli.commands.runs.reap import reap_command
from vreason_cli.commands.runs.restore import restore_command
from vreason_cli.commands.runs.show import show_command
from vreason_cli.commands.runs.steps import steps_command
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP


@click.group("runs", cls=OrderedGroup, context_settings=HELP)
def runs_group() -> None:
    """List, show, close, delete and restore recorded runs.

    Runs of the journal here and of the MLflow store are one list. RUN is an id, in the journal or in MLflow, the beginning of one, or a
    variant's name (then the newest run of that name).
    """


for _command in (list_command, show_command, steps_command, reap_command, delete_command, restore_command):
    runs_group.add_command(_command)
