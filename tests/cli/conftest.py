"""What tests of commands about the record share: an environment of their own, and a program that looks at the shared world."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import commands

if TYPE_CHECKING:
    from tests.helpers.recorded_world import World


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's, and nothing that stays."""
    commands.own_environment(monkeypatch)


@pytest.fixture
def look(program: Callable[..., Any], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The program with these arguments, told where the shared world is; it runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: program(*arguments, *world.places)


@pytest.fixture
def look_json(look: Callable[..., Any]) -> Callable[..., Any]:
    """The same with --json; returns the document."""

    def run(*arguments: object) -> Any:
        outcome = look(*arguments, "--json")
        assert (0, "") == (outcome.code, outcome.err)
        return json.loads(outcome.out)

    return run


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output goes to a terminal of 160 columns."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal with two like runs, in a folder without a database."""
    from tests.helpers import like_runs

    monkeypatch.chdir(tmp_path)
    like_runs.pair(tmp_path / "vreason-journal")
    return tmp_path / "vreason-journal"


@pytest.fixture
def unlike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal with two runs that were asked different questions, some of which failed."""
    from tests.helpers import scored_runs

    monkeypatch.chdir(tmp_path)
    scored_runs.both(tmp_path / "vreason-journal")
    return tmp_path / "vreason-journal"


@pytest.fixture
def compare(program: Callable[..., Any]) -> Callable[..., Any]:
    """The command."""
    return lambda *arguments: program("compare", *arguments)
