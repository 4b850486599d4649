"""Options by which commands are told where the record is, and the check of what they were told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

tracking_uri = click.option("--tracking-uri", metavar="URI", help="Default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db in this folder.")
experiment = click.option("--experiment", default="vreason", show_default=True, help="MLflow's experiment.")
any_experiment = click.option("--experiment", metavar="NAME", help="Only runs of this MLflow experiment; default: all of them.")
journal = click.option("--journal", metavar="DIR", help="Folder of the local record; default: VREASON_JOURNAL, else ./vreason-journal.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead; docs/records.md names its fields.")


def both_sides(command: _Command) -> _Command:
    """Store, experiment, journal."""
    return tracking_uri(experiment(journal(command)))


def journal_root(given: str | None) -> Path:
    """The journal's folder. One that was named has to be there; the default one is made by the first run.

    Raises:
        click.BadParameter: there is no such folder.
    """
    from vreason_tracking.journal import journal_folder

    root = journal_folder(given)
    if given and not root.exists():
        raise click.BadParameter(f"{root} is not there; name the folder that a run wrote its journal to", param_hint="--journal")
    return root
