"""vreason_cli.main: the command group, its help, and how errors become messages and exit codes."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import click
import pytest

import vreason
from vreason_cli.main import COMMANDS

HEAVY = {"torch", "transformers", "mlflow", "numpy", "sqlalchemy", "matplotlib", "pyarrow"}
WATCHED = """
import json, sys, time
from vreason_cli.main import main
try:
    main()
finally:
    print("\\nWATCHED", json.dumps([time.process_time(), sorted(sys.modules)]), file=sys.stderr)
"""


def watched(*arguments: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], float, set[str]]:
    """The program in a process of its own; also its process time, seconds, and the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments], capture_output=True, text=True, timeout=120, env=os.environ | environment
    )
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("WATCHED ")]
    seconds, modules = json.loads(line.removeprefix("WATCHED "))
    return done, seconds, set(modules)


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=["group", *COMMANDS])
def test_help_is_quick_and_light(arguments) -> None:
    """`--help`, for short -h, of the group and of every command: under half a second of process time, none of the heavy packages."""
    done, seconds, modules = watched(*arguments, "--help")
    assert 0 == done.returncode
    assert done.stdout.startswith("Usage: ")
    assert done.stdout == watched(*arguments, "-h")[0].stdout
    assert set() == HEAVY & modules
    if seconds >= 0.5:  # a machine with other work may have slowed us down
        seconds = min(watched(*arguments, "--help")[1] for _ in range(3))
    assert seconds < 0.5


def test_the_overview_lists_every_command(program) -> None:
    """Each with its line, in the order in which a user meets them."""
    outcome = program("--help")
    assert 0 == outcome.code
    places = [outcome.out.index(f"\n  {name} ") for name in COMMANDS]
    assert sorted(places) == places
    assert [] == [line for _, _, line in COMMANDS.values() if line not in " ".join(outcome.out.split())]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name) -> None:
    """The table's module and attribute hold a command of that name."""
    module, attribute, _ = COMMANDS[name]
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert name == command.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name) -> None:
    """Each option has a text or shows its default."""
    module, attribute, _ = COMMANDS[name]
    command = getattr(importlib.import_module(module), attribute)
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [] == [option.name for option in options if not option.help and not option.show_default]


def test_version(program) -> None:
    """The package's version."""
    outcome = program("--version")
    assert (0, True) == (outcome.code, vreason.__version__ in outcome.out)


@pytest.mark.parametrize("arguments", [["walk"], ["run", "--nonsense"], ["run"], ["sample"], ["runs", "walk"], ["journal", "walk"]])
def test_a_wrong_command_line(program, arguments) -> None:
    """Exit code 2, what is wrong on stderr, and no traceback."""
    outcome = program(*arguments)
    assert (2, "") == (outcome.code, outcome.out)
    assert "Error: " in outcome.err
    assert "Traceback" not in outcome.err


def test_an_error_is_its_message(program, tmp_path) -> None:
    """An error of ours is one message on stderr that begins with "error: "; nothing goes to stdout."""
    outcome = program("run", "--config", tmp_path / "none.yaml")
    assert (2, "") == (outcome.code, outcome.out)
    assert outcome.err.startswith("error: ")
    assert "none.yaml" in outcome.err
    assert "Traceback" not in outcome.err


def test_debug_shows_the_traceback(tmp_path) -> None:
    """With --debug the traceback is shown and ends with the error."""
    done, _, _ = watched("--debug", "run", "--config", str(tmp_path / "none.yaml"))
    assert "Traceback (most recent call last)" in done.stderr
    assert "ConfigError" in done.stderr


def test_debug_keeps_the_exit_code(tmp_path) -> None:
    """A traceback is more to read, not another outcome: a wrong config is 2 still."""
    done, _, _ = watched("--debug", "run", "--config", str(tmp_path / "none.yaml"))
    assert 2 == done.returncode


def test_debug_by_the_environment(tmp_path) -> None:
    """Every option can be given by an environment variable: VREASON_DEBUG=1 is --debug."""
    done, _, _ = watched("run", "--config", str(tmp_path / "none.yaml"), VREASON_DEBUG="1")
    assert "Traceback (most recent call last)" in done.stderr


def test_a_reader_that_leaves(tmp_path) -> None:
    """`vreason-track ... | head -1` ends without a traceback, and as if everything had been read."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as closed:
        command = [sys.executable, "-c", "from vreason_cli.main import main; main()", "--help"]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=120)
    assert (0, "") == (done.returncode, done.stderr)


def test_the_installed_program() -> None:
    """The script that pip installs is this group."""
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="vreason-track")
    from vreason_cli.main import main

    assert main is script.load()


def test_a_word_that_is_no_command(program) -> None:
    """The nearest one is named; of a run, the nearest variant."""
    done = program("comparre")
    assert (2, True) == (done.code, "Did you mean 'compare'?" in done.err)


def test_a_name_that_is_no_run(program, bundles) -> None:
    done = program("runs", "show", "v-raison", *bundles.places)
    assert (5, True) == (done.code, "did you mean v-reason? the newest are: " in done.err)
