"""A group whose commands are listed in the order in which a user meets them."""

from __future__ import annotations

import click


class OrderedGroup(click.Group):
    """Lists its commands as they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, as they were added."""
        return list(self.commands)
