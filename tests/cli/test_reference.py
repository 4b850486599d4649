"""vreason_cli.reference: docs/cli.md out of the commands' own help."""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path

import click
import pytest

from vreason_cli.main import COMMANDS
from vreason_cli.reference import render

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


GROUPED = [
    "runs list",
    "runs show",
    "runs steps",
    "runs reap",
    "runs delete",
    "runs restore",
    "model register",
    "model list",
    "model show",
    "model verify",
    "model promote",
    "model retire",
    "model diff",
    "model serve",
    "journal status",
    "journal deliver",
    "journal verify",
    "card build",
    "card show",
    "card check",
    "card diff",
    "card export",
    "card serve",
    "audit log",
    "audit show",
    "audit verify",
    "audit checkpoint",
    "audit prove",
    "audit export",
    "audit keygen",
    "user add",
    "user list",
    "user role",
    "user remove",
    "token create",
    "token list",
    "token revoke",
    "db upgrade",
    "db current",
    "db check",
    "db downgrade",
    "db backup",
    "db restore",
]


def section(name: str) -> str:
    """What stands under a command's heading."""
    return render().split(f"## `vreason-track {name}`")[1].split("\n## ")[0].split("\n### ")[0]


def command_of(name: str) -> click.Command:
    """A command, or one of a group's."""
    first, *rest = name.split()
    module, attribute, _ = COMMANDS[first]
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command.commands[rest[0]] if rest else command  # type: ignore[attr-defined]


def test_a_section_for_the_program_and_every_command() -> None:
    """Headings name the group and all commands, in the group's order."""
    headings = [line for line in render().splitlines() if line.startswith("## ")]
    assert ["## `vreason-track`", *(f"## `vreason-track {name}`" for name in COMMANDS)] == headings


def test_a_groups_commands_stand_below_it() -> None:
    """One level of headings further down, in the group's order, before the next command."""
    lines = [line.strip("#` ").removeprefix("vreason-track ") for line in render().splitlines() if line.startswith("### ")]
    assert lines == GROUPED
    assert "### `vreason-track runs delete`" in render().split("## `vreason-track runs`")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPED])
def test_every_option_is_there(name) -> None:
    """Each option and argument of a command stands in its section, under the program's name."""
    command = command_of(name)
    text = section(name)
    assert f"Usage: vreason-track {name}" in text
    written = [spelling for parameter in command.params if isinstance(parameter, click.Option) for spelling in parameter.opts]
    written += [parameter.make_metavar(click.Context(command)) for parameter in command.params if isinstance(parameter, click.Argument)]
    assert [] == [spelling for spelling in written if spelling not in text]


def test_the_width_of_the_terminal_is_no_matter(monkeypatch) -> None:
    """Whoever writes the page writes the same page."""
    wide = render()
    monkeypatch.setenv("COLUMNS", "40")
    assert wide == render()
    assert 100 >= max(len(line) for line in wide.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("name", ["", *COMMANDS, *GROUPED])
def test_help_can_be_asked_for_in_short(name) -> None:
    """The page tells of -h beside --help, as the program's own help does, whatever ran before in this process."""
    parts = render().split("## `vreason-track")
    (text,) = [part for part in parts if part.startswith(f" {name}`" if name else "`")]
    assert "-h, --help" in text


def test_the_page_is_up_to_date() -> None:
    """docs/cli.md is what the commands say of themselves today; `make docs` writes it anew."""
    assert render() == DOCS.read_text(encoding="utf-8")


def test_as_a_program(tmp_path, monkeypatch) -> None:
    """`python -m vreason_cli.reference FILE` writes the page into the file."""
    monkeypatch.setattr(sys, "argv", ["reference", str(tmp_path / "cli.md")])
    monkeypatch.delitem(sys.modules, "vreason_cli.reference")
    runpy.run_module("vreason_cli.reference", run_name="__main__")
    assert render() == (tmp_path / "cli.md").read_text(encoding="utf-8")
