"""vreason_cli.groups: a group that keeps its order."""

from __future__ import annotations

import click

from vreason_cli.groups import OrderedGroup


def test_the_order_is_ours() -> None:
    """Commands are listed as they were added, not by the alphabet."""
    group = OrderedGroup("group")
    for name in ("second", "first"):
        group.add_command(click.Command(name))
    assert ["second", "first"] == group.list_commands(click.Context(group))
