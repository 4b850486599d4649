"""``vreason-track db``: the tables of our own beside MLflow's, and copies of everything."""

from __future__ import annotations

import click

from vreason_cli.commands.db.copies import backup_command, restore_command
from vreason_cli.commands.db.versions import check_command, current_command, downgrade_command, upgrade_command
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP


@click.group("db", cls=OrderedGroup, context_settings=HELP)
def db_group() -> None:
    """Make, bring up to date, check, back up and restore the database of the audit trail. MLflow's tables are not touched."""


for _command in (upgrade_command, current_command, check_command, downgrade_command, backup_command, restore_command):
    db_group.add_command(_command)
