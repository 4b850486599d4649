"""What holds for every command: help that costs little, options that say what they do, an environment that is left as it was."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

HEAVY = {"torch", "transformers", "mlflow", "numpy", "sqlalchemy", "matplotlib", "pyarrow", "rich"}
_LEFT_BEHIND = {  # what a command sets for its own process when nobody has; here several commands share one
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "PGCONNECT_TIMEOUT": "10",
}
_WATCHED = """
import json, sys
from vreason_cli.main import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """For commands in this process: nothing of the user's, and nothing that stays."""
    monkeypatch.delenv("VREASON_JOURNAL", raising=False)
    for name, value in _LEFT_BEHIND.items():
        monkeypatch.setenv(name, value)


def weigh(*arguments: str) -> None:
    """The program answers, in a process of its own, without loading anything heavy."""
    done = subprocess.run([sys.executable, "-c", _WATCHED, *arguments], capture_output=True, text=True, timeout=120)
    assert (0, True) == (done.returncode, done.stdout.startswith("Usage: "))
    assert set() == HEAVY & set(json.loads(done.stderr.splitlines()[-1]))


def check_options(command: click.Command) -> None:
    """Each option has a text or shows its default."""
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [] == [option.name for option in options if not option.help and not option.show_default]
