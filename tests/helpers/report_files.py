"""The files that a comparison writes, and how a command that refuses ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

KINDS = ("html", "md", "csv", "json")


def outputs(folder: Path) -> list[Any]:
    """Options that write every output into a folder, as out.html and so on."""
    return [each for kind in KINDS for each in (f"--{kind}", folder / f"out.{kind}")]


def left(folder: Path) -> list[str]:
    """Files of a folder, but for the record's."""
    return sorted(each.name for each in folder.iterdir() if each.is_file() and not each.name.startswith("mlflow.db"))


def refused(outcome: Any, code: int, *told: str) -> None:
    """It ended so, with one message that says this, and no traceback."""
    assert code == outcome.code, outcome.err
    assert "Traceback" not in outcome.err + outcome.out
    errors = [line for line in outcome.err.splitlines() if line.startswith(("error: ", "Error: "))]
    assert 1 == len(errors), outcome.err
    for each in told:
        assert each in outcome.err
