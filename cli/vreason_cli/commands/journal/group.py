"""``vreason-track journal``: the local record, and its way to MLflow."""

from __future__ import annotations

import click

from vreason_cli.commands.journal.deliver import deliver_command
from vreason_cli.commands.journal.status import status_command
from vreason_cli.commands.journal.verify import verify_command
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP


@click.group("journal", cls=OrderedGroup, context_settings=HELP)
def journal_group() -> None:
    """Look after the local record: what waits for MLflow, deliver it, check every record.

    RUN is an id, in the journal or in MLflow, the beginning of one, or a variant's name (then the newest run of that name).
    """


for _command in (status_command, deliver_command, verify_command):
    journal_group.add_command(_command)
