"""perf/*.py: every comparison that people run starts, and what they share loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "perf"
FILES = sorted(FOLDER.glob("*.py"))
SCRIPTS = [path.name for path in FILES if "__main__" in path.read_text(encoding="utf-8")]
SHARED = [path.stem for path in FILES if path.name not in SCRIPTS]


def python(*arguments: str) -> str:
    """What Python prints, run where the scripts are."""
    done = subprocess.run([sys.executable, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=240)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_there_are_scripts():
    """The folder is found, and holds both kinds of files."""
    assert {"control_overhead.py", "recording.py", "schedule.py"} <= set(SCRIPTS)
    assert {"measuring", "compare_data", "schedule_runs"} <= set(SHARED)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_how_it_is_run(name):
    """With --help each loads what it imports at its start, and prints its usage and what it measures."""
    text = python(name, "--help")
    assert text.startswith(f"usage: {name} [-h]")
    assert f"python perf/{name}" in text


def test_what_scripts_share_loads():
    """The files without a command line of their own find all names that they import."""
    python("-c", f"import {', '.join(SHARED)}")
