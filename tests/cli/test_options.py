"""vreason_cli.options: where the record is."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from vreason_cli import options


def test_options_of_both_sides() -> None:
    """Store, experiment and journal, in this order."""

    @click.command()
    @options.both_sides
    def command() -> None:
        """Nothing."""

    assert ["--tracking-uri", "--experiment", "--journal"] == [option.opts[0] for option in command.params]


def test_the_journals_folder(tmp_path, monkeypatch) -> None:
    """The one named, else the environment's, else the default's; the latter two need not be there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert tmp_path / "mine" == options.journal_root("mine")
    assert tmp_path / "vreason-journal" == options.journal_root(None)
    monkeypatch.setenv("VREASON_JOURNAL", "/nowhere/else")
    assert Path("/nowhere/else") == options.journal_root(None)


def test_one_that_is_not_there(tmp_path) -> None:
    """Who names a folder means one that is there."""
    with pytest.raises(click.BadParameter, match=r"none is not there; name the folder that a run wrote its journal to"):
        options.journal_root(str(tmp_path / "none"))
