"""``vreason-track runs delete``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.catalog import Deletion


@click.command("delete", short_help="Delete runs with their samples.", context_settings=HELP)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@options.both_sides
@click.option("--journal-too", is_flag=True, help="Also delete the run's folder in the journal, which cannot be undone.")
@click.option("--even-undelivered", is_flag=True, help="With --journal-too: even where the journal holds points that MLflow has not.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete_command(
    runs: tuple[str, ...],
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
    journal_too: bool,
    even_undelivered: bool,
    yes: bool,
) -> None:
    """Delete runs in MLflow, with the runs of their samples.

    MLflow keeps deleted runs until `mlflow gc`; `vreason-track runs restore` brings them back, with their samples. The journal is kept
    unless --journal-too is given.
    A run that is under way is not deleted. Nothing is deleted unless everything that was named can be.
    """
    from vreason_tracking.catalog import Catalog, Deletion

    if even_undelivered and not journal_too:
        raise click.UsageError("--even-undelivered says something of the journal; give --journal-too with it")
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    found = {run.shown_id: run for run in catalog.find_all(runs).runs}
    deletions = [Deletion(run, catalog, journal_too=journal_too, even_undelivered=even_undelivered) for run in found.values()]
    _confirm(deletions, yes)
    for deletion in deletions:
        gone = deletion.carry_out()
        where = [f"{gone.mlflow_runs} run(s) in MLflow"] if gone.mlflow_runs else []
        where += ["its journal"] if gone.journal else []
        click.echo(f"{gone.id} ({gone.variant}): deleted {' and '.join(where)}")


def _confirm(deletions: Sequence[Deletion], yes: bool) -> None:
    """Ask on a terminal; elsewhere nobody could answer.

    Raises:
        click.UsageError: there is no terminal, and no --yes.
        click.Abort: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; give --yes to delete without a question")
    for deletion in deletions:
        click.echo(f"delete {deletion.describe()}")
    click.confirm(f"delete {len(deletions)} run(s)?", abort=True)
