"""The command reference, out of the commands' own help: ``python -m vreason_cli.reference docs/cli.md``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vreason_cli.help_names import HELP
from vreason_cli.main import COMMANDS, cli

_WIDTH = 100


def render() -> str:
    """docs/cli.md as Markdown."""
    parts = ["# Command reference", "", "Written by `make docs` from `--help`; a test holds the two together.", ""]
    parent = click.Context(cli, info_name="vreason-track", terminal_width=_WIDTH, max_content_width=_WIDTH)
    parent.help_option_names = HELP["help_option_names"]
    parts += _section("vreason-track", cli, parent)
    for name in COMMANDS:
        command = cli.get_command(parent, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH)
        parts += _section(f"vreason-track {name}", command, context)
        parts += _subsections(f"vreason-track {name}", command, context)
    return "\n".join(parts).rstrip() + "\n"


def _subsections(title: str, group: click.Command, parent: click.Context) -> list[str]:
    """A group's own commands, one level of headings below it."""
    parts = []
    for name, command in group.commands.items() if isinstance(group, click.Group) else ():
        context = click.Context(command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH)
        parts += _section(f"{title} {name}", command, context, "###")
    return parts


def _section(title: str, command: click.Command, context: click.Context, level: str = "##") -> list[str]:
    return [f"{level} `{title}`", "", "```text", command.get_help(context), "```", ""]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
