"""``vreason-track audit``: who changed what, and the proof that nothing of it was changed afterwards."""

from __future__ import annotations

import click

from vreason_cli.commands.audit.checkpoint import checkpoint_command
from vreason_cli.commands.audit.export import export_command
from vreason_cli.commands.audit.keygen import keygen_command
from vreason_cli.commands.audit.log import log_command
from vreason_cli.commands.audit.prove import prove_command
from vreason_cli.commands.audit.show import show_command
from vreason_cli.commands.audit.verify import verify_command
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP


@click.group("audit", cls=OrderedGroup, context_settings=HELP)
def audit_group() -> None:
    """Read, export and verify the audit trail (docs/audit.md)."""


for _command in (log_command, show_command, verify_command, checkpoint_command, prove_command, export_command, keygen_command):
    audit_group.add_command(_command)
