"""``vreason-track run``: the main job."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vreason_tracking.runs import VariantResult
    from vreason_tracking.settings import RunSettings


@click.command("run")
@click.option("--config", "-c", required=True, type=click.Path(path_type=Path), help="YAML file; `vreason-track init` writes one.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change a field of the config; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first N questions.")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Run only this variant; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Check and print the resolved config; load nothing.")
def run_command(config: Path, overrides: tuple[str, ...], limit: int | None, variants: tuple[str, ...], dry_run: bool) -> None:
    """Run every variant of a config over its samples, and record every controller step in MLflow.

    Exit codes: 0 done, 2 the config is wrong, 3 the model cannot be used, 4 the data cannot be used, 5 the tracking database cannot be
    used, 130 interrupted (what was done is kept).
    """
    from vreason_tracking.settings import load_settings

    settings = load_settings(config, overrides, limit, variants)
    if dry_run:
        _print_plan(settings)
        return
    from vreason_cli.progress import progress_for
    from vreason_tracking.runs import run_experiment

    watcher = progress_for(settings)
    try:
        with watcher:
            run_experiment(settings, watcher)
    finally:
        _print_end(settings, watcher.results)


def _print_plan(settings: RunSettings) -> None:
    from vreason_tracking.database import without_password

    click.echo(settings.to_yaml().rstrip())
    address = without_password(settings.tracking.resolved_uri())
    click.echo(f"\n# {len(settings.resolved_variants())} variant(s); tracking in {address}")


def _print_end(settings: RunSettings, results: list[VariantResult]) -> None:
    """The table, what to know of it, and what to type next."""
    if not results:
        return
    from vreason_cli.results import result_table, show
    from vreason_tracking.database import without_password

    show(result_table(results))
    for result in results:
        for note in [*result.summary.advice(), *result.notes]:
            click.echo(f"  {result.name}: {note}")
    uri = without_password(settings.tracking.resolved_uri())
    sample = f"vreason-track sample {results[-1].run_id}"
    click.echo(f"\n{sum(result.points for result in results):,} points recorded in {uri}, experiment {settings.tracking.experiment!r}")
    click.echo(f"  open the UI      mlflow ui --backend-store-uri {shlex.quote(uri)}")
    click.echo(f"  see one sample   {sample}            (lists its samples; add an id to see one)")
    click.echo("  compare          in the UI, tick the runs " + ", ".join(result.run_id[:8] for result in results) + " and press Compare")
