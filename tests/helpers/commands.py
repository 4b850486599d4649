"""What holds for every command: help that costs little, options that say what they do."""

from __future__ import annotations

import json
import subprocess
import sys

import click

HEAVY = {"torch", "transformers", "mlflow", "numpy", "sqlalchemy", "matplotlib", "pyarrow", "rich"}
_WATCHED = """
import json, sys
from vreason_cli.main import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def weigh(*arguments: str) -> None:
    """The program answers, in a process of its own, without loading anything heavy."""
    done = subprocess.run([sys.executable, "-c", _WATCHED, *arguments], capture_output=True, text=True, timeout=120)
    assert (0, True) == (done.returncode, done.stdout.startswith("Usage: "))
    assert set() == HEAVY & set(json.loads(done.stderr.splitlines()[-1]))


def check_options(command: click.Command) -> None:
    """Each option has a text or shows its default."""
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [] == [option.name for option in options if not option.help and not option.show_default]
