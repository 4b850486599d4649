"""``vreason-track runs restore``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("restore", short_help="Bring deleted runs back, with their samples.", context_settings=HELP)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@options.both_sides
def restore_command(runs: tuple[str, ...], tracking_uri: str | None, experiment: str, journal: str | None) -> None:
    """Bring runs back that were deleted in MLflow, with the runs of their samples.

    It does not matter whether `runs delete` deleted them or somebody did in MLflow's pages, which delete and restore a run without its
    samples. A run whose journal is not here is named by its whole id in MLflow. What `mlflow gc` has purged is delivered anew from the
    journal instead: `vreason-track journal deliver --again RUN`.

    Exit codes: 0 done, 5 there is no such run, or the store cannot be used.
    """
    from vreason_tracking.catalog import Catalog, restore

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    for name in runs:
        found = restore(catalog, name)
        what = f"{found.mlflow_runs} run(s) in MLflow restored" if found.mlflow_runs else "nothing of it is deleted"
        click.echo(f"{found.mlflow_id} ({found.variant}): {what}")
