"""vreason_cli.commands.runs.group: the group `vreason-track runs`, and what holds for each of its commands."""

from __future__ import annotations

import click
import pytest

from tests.helpers.commands import check_options, weigh
from vreason_cli.commands.runs.group import runs_group

NAMES = ["list", "show", "steps", "reap", "delete", "restore"]


def test_its_commands(program) -> None:
    """In the order in which a user meets them, each with a line that is not cut."""
    assert NAMES == list(runs_group.commands)
    outcome = program("runs", "--help")
    places = [outcome.out.index(f"\n  {name} ") for name in NAMES]
    assert (0, sorted(places)) == (outcome.code, places)
    assert "..." not in outcome.out.split("Commands:")[1]


def test_without_a_command(program) -> None:
    """The help, and exit code 2."""
    outcome = program("runs")
    assert (2, True) == (outcome.code, "Commands:" in outcome.out + outcome.err)


@pytest.mark.parametrize("name", NAMES)
def test_help_is_quick_and_light(name) -> None:
    """Nothing heavy is loaded for it."""
    weigh("runs", name, "--help")


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_does(name) -> None:
    """Each has a text or shows its default."""
    command = runs_group.commands[name]
    assert isinstance(command, click.Command)
    check_options(command)
