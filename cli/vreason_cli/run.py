"""``vreason-track run``: the main job."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.runs import VariantResult
    from vreason_tracking.settings import RunSettings


@click.command("run", context_settings=HELP)
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
        _print_end(settings, watcher.results, watcher.last_sample)


def _print_plan(settings: RunSettings) -> None:
    from vreason_tracking.database import without_password

    click.echo(settings.to_yaml().rstrip())
    address = without_password(settings.tracking.resolved_uri())
    click.echo(f"\n# {len(settings.resolved_variants())} variant(s); tracking in {address}")


def _print_end(settings: RunSettings, results: list[VariantResult], sample_id: str) -> None:
    """The table, what to know of it, and what to type next."""
    if not results:
        return
    from vreason_cli.results import result_table, show

    show(result_table(results))
    for result in results:
        for note in [*result.summary.advice(), *result.notes]:
            click.echo(f"  {result.name}: {note}")
    click.echo("")
    for line in next_steps(settings, results, sample_id):
        click.echo(line)


def next_steps(settings: RunSettings, results: list[VariantResult], sample_id: str) -> list[str]:
    """What was recorded where, and the exact commands to look at it."""
    from vreason_tracking.database import without_password

    tracking = settings.tracking
    uri = shlex.quote(without_password(tracking.resolved_uri()))
    where = (f" --tracking-uri {uri}" if tracking.uri else "") + (
        f" --experiment {shlex.quote(tracking.experiment)}" if tracking.experiment != "vreason" else ""
    )
    runs = json.dumps([result.run_id for result in results], separators=(",", ":"))
    page = f'http://127.0.0.1:5000/#/compare-runs?runs={runs}&experiments=["{results[0].experiment_id}"]'
    points = sum(result.points for result in results)
    sample = f"vreason-track sample {results[-1].run_id[:12]}" + (f" {shlex.quote(sample_id)}" if sample_id else "")
    if tracking.resolved_uri().startswith(("http://", "https://")):
        opening = without_password(tracking.resolved_uri())
        page = page.replace("http://127.0.0.1:5000", opening.rstrip("/"))
    else:
        opening = f"mlflow ui --backend-store-uri {uri}"
    return [
        f"{points:,} points recorded in {uri}, experiment {tracking.experiment!r}",
        f"  open the UI      {opening}",
        f"  see one sample   {sample}{where}",
        f"  compare          {page}",
    ]
