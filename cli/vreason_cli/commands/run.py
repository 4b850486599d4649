"""``vreason-track run``: the main job."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.comparison import RunEffects
    from vreason_tracking.journal import Manifest, RunFolder
    from vreason_tracking.running import VariantResult
    from vreason_tracking.settings import RunSettings


@click.command("run", context_settings=HELP)
@click.option("--config", "-c", type=click.Path(path_type=Path), help="YAML file; `vreason-track init` writes one.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change a field of the config; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first N questions.")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Run only this variant; may be repeated.")
@click.option(
    "--resume",
    metavar="RUN|auto",
    help="Continue what RUN's call left undone (its id, the beginning of one, or a variant's name; without --config it has its own); "
    "auto continues the newest call of this config, if it was not finished.",
)
@click.option("--retry-failed", is_flag=True, help="With --resume: ask again what failed, a broken video or lack of memory included.")
@click.option("--offline", is_flag=True, help="Write the journal only; `vreason-track journal deliver` carries it to MLflow later.")
@click.option("--journal", metavar="DIR", help="Folder of the local record; default: the config's, VREASON_JOURNAL, ./vreason-journal.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the resolved config, and check everything that a run needs: data, every video, model, device, journal, disk, store. No "
    "weights are read, nothing is recorded; the exit code is the run's.",
)
def run_command(
    config: Path | None,
    overrides: tuple[str, ...],
    limit: int | None,
    variants: tuple[str, ...],
    resume: str | None,
    retry_failed: bool,
    offline: bool,
    journal: str | None,
    dry_run: bool,
) -> None:
    """Run every variant of a config over its samples, and record every controller step in the journal and in MLflow.

    Nothing that was answered is asked again by --resume, and a changed config is refused with what differs. What failed stays so, unless
    the reason said nothing about the sample (a folder that was away), or --retry-failed is given.

    Exit codes: 0 done, 2 the config is wrong, 3 the model cannot be used, 4 the data cannot be used, 5 the journal or the tracking store
    cannot be used, 129 hung up, 130 interrupted, 143 terminated (what was done is kept, and can be continued).
    """
    if config is None and (resume is None or resume == "auto"):
        raise click.UsageError("Missing option '--config' / '-c'; only --resume RUN knows its own.")
    if retry_failed and resume is None:
        raise click.UsageError("--retry-failed asks again what an earlier run could not: name that run with --resume, or --resume auto.")
    places = {"tracking.mode": "offline" if offline else None, "tracking.journal": json.dumps(journal) if journal else None}
    changes = [*overrides, *(f"{name}={value}" for name, value in places.items() if value)]
    settings = _settings(config, changes, limit, variants, resume, journal)
    if dry_run:
        _print_plan(settings)
        return
    from vreason_cli.terminal.audit_handover import hand_over_to
    from vreason_cli.terminal.progress import progress_for
    from vreason_tracking.journal import journal_folder
    from vreason_tracking.running import Experiment

    progress = progress_for(settings)
    experiment = Experiment(settings, [progress], config)
    try:
        with progress:
            experiment.run(resume, retry_failed)
    finally:
        _print_end(settings, experiment.results, progress.last_samples)
    if settings.tracking.mode != "offline":
        hand_over_to(settings.tracking.resolved_uri(), journal_folder(settings.tracking.journal))
    require_delivered(experiment.results)


def _settings(
    config: Path | None, changes: list[str], limit: int | None, variants: tuple[str, ...], resume: str | None, journal: str | None
) -> RunSettings:
    """The config file's, or those that the run to be continued was begun with."""
    from vreason_tracking.settings import load_settings, parse_settings

    if config is not None:
        return load_settings(config, changes, limit, variants)
    from vreason.errors import TrackingError
    from vreason_tracking.catalog import require
    from vreason_tracking.journal import journal_folder
    from vreason_tracking.records import OWN_LOOP_SOURCE, SOURCE_TAG

    folder = require(journal_folder(journal), resume or "")
    manifest = folder.manifest
    if manifest.tags.get(SOURCE_TAG) == OWN_LOOP_SOURCE:
        text = f"run {manifest.run_id} ({manifest.variant}) was recorded by a loop of somebody's own, which only that can continue"
        raise TrackingError(f"{text}: run that program again")
    named = any(change.startswith("tracking.uri=") for change in changes)
    places = [f"tracking.mode={manifest.mode}", *([] if named else _address(manifest, folder))]
    return parse_settings(manifest.config, f"config of run {manifest.run_id}", [*places, *changes], limit, variants)


def _address(manifest: Manifest, folder: RunFolder) -> list[str]:
    """Where the run was recorded, unless the environment names a place.

    Raises:
        TrackingError: that address has a password, which the journal does not keep; or it is a file that has moved, nobody knows where to.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.catalog import LocalRun, located

    if os.environ.get("MLFLOW_TRACKING_URI") or manifest.mode == "offline":
        return []
    if "***" in manifest.tracking_uri:
        hint = "name the address with --set tracking.uri=..., or in MLFLOW_TRACKING_URI"
        raise TrackingError(f"run {manifest.run_id} was recorded at {manifest.tracking_uri}, whose password is not kept: {hint}")
    delivered = LocalRun(folder).marks.run_id is not None
    place = located(manifest.tracking_uri, folder.path.parent, folder.run_id, delivered=delivered)
    if place.note:
        click.echo(f"note: {place.note}", err=True)
    return [f"tracking.uri={json.dumps(place.uri)}"]


def _print_plan(settings: RunSettings) -> None:
    """The resolved config as YAML, and what a run of it needs, as comments.

    Raises:
        PreflightError: something of that is not there.
    """
    from vreason_tracking.running import PreflightError, preflight
    from vreason_tracking.stores import redact_password

    click.echo(settings.to_yaml().rstrip())
    address = redact_password(settings.tracking.resolved_uri())
    click.echo(f"\n# {len(settings.resolved_variants())} variant(s); tracking in {address}")
    findings = []
    for finding in preflight(settings):
        findings.append(finding)
        check = finding.check
        hint = f" -> {check.hint}" if check.hint else ""
        for line in f"{check.state:<8} {check.name}: {check.detail}{hint}".splitlines():
            click.echo(f"# {line}")
    if any(finding.exit_code for finding in findings):
        raise PreflightError(findings)


def _print_end(settings: RunSettings, results: list[VariantResult], last_samples: Mapping[str, str]) -> None:
    """The table, what to know of it, and what to type next."""
    if not results:
        return
    from vreason_cli.terminal.results_table import result_table, show, timing_lines

    baseline, effects = _effects(results)
    show(result_table(results, baseline, effects))
    for line in timing_lines(results, effects) if effects else ():
        click.echo(f"  {line}")
    for result in results:
        for note in [*result.summary.advice(), *result.notes]:
            click.echo(f"  {result.name}: {note}")
    click.echo("")
    for line in next_steps(settings, results, last_samples):
        click.echo(line)


def _effects(results: list[VariantResult]) -> tuple[int, list[RunEffects]]:
    """The place of the baseline, and what is shown against it; nothing of a journal that cannot be read any more."""
    from vreason.errors import TrackingError
    from vreason_tracking.catalog import LocalRun, Run
    from vreason_tracking.comparison import run_effects

    try:
        return run_effects([Run(LocalRun(result.folder), None, None) for result in results])
    except TrackingError as error:
        click.echo(f"note: the variants were not compared: {error}", err=True)
        return 0, []


def next_steps(settings: RunSettings, results: list[VariantResult], last_samples: Mapping[str, str]) -> list[str]:
    """What was recorded and delivered, and the exact commands to look at it; `last_samples` are the ids answered last, by variant."""
    from vreason_tracking.stores import redact_password

    tracking = settings.tracking
    address = redact_password(tracking.resolved_uri())
    lines = [delivery_line(results, address, tracking.experiment)]
    where = (f" --tracking-uri {shlex.quote(address)}" if tracking.uri else "") + (
        f" --experiment {shlex.quote(tracking.experiment)}" if tracking.experiment != "vreason" else ""
    )
    if any(result.delivered < result.recorded for result in results):
        journal = f" --journal {shlex.quote(tracking.journal)}" if tracking.journal else ""
        store = f" --tracking-uri {shlex.quote(address)}" if tracking.uri else ""
        lines.append(f"  deliver          vreason-track journal deliver{journal}{store}")
    present = [result for result in results if result.experiment_id]
    if not present:
        return lines
    runs = json.dumps([result.run_id for result in present], separators=(",", ":"))
    remote = address.startswith(("http://", "https://"))
    opening = address if remote else f"mlflow ui --backend-store-uri {shlex.quote(address)}"
    server = address.rstrip("/") if remote else "http://127.0.0.1:5000"
    page = f'{server}/#/compare-runs?runs={runs}&experiments=["{present[0].experiment_id}"]'
    sample_id = last_samples.get(present[-1].name, "")
    sample = f"vreason-track sample {present[-1].run_id[:12]}" + (f" {shlex.quote(sample_id)}" if sample_id else "")
    lines += [f"  open the UI      {opening}", f"  see one sample   {sample}{where}", f"  side by side     {page}"]
    if len(results) > 1:
        store = f" --tracking-uri {shlex.quote(address)}" if tracking.uri else ""
        lines.append(f"  compare          vreason-track compare --config-run {shlex.quote(settings.name)} --html report.html{store}")
    return lines


def require_delivered(results: list[VariantResult]) -> None:
    """Stop where the store has refused something: what runs this command must not take the record there for whole.

    Raises:
        TrackingError: it has; the message says of which variants, and why.
    """
    from vreason.errors import TrackingError

    refused = [f"{result.name}: {result.rejected or result.excluded}" for result in results if result.rejected or result.excluded]
    if refused:
        advice = "the journal keeps everything; see what is wrong, then `vreason-track journal deliver --repair`"
        raise TrackingError("\n".join(["the tracking store has refused a part of the record", *refused, advice]))


def delivery_line(results: list[VariantResult], address: str, experiment: str) -> str:
    """The truth about the points: recorded in the journal, delivered to MLflow, waiting; and why, where a run is refused."""
    recorded, delivered = (sum(getattr(result, name) for result in results) for name in ("recorded", "delivered"))
    present = f"{delivered:,} delivered to {address} (experiment {experiment!r})"
    line = f"{recorded:,} points recorded, {present}, {recorded - delivered:,} waiting"
    refused = [f"\n  {result.name}: the store refuses it: {result.rejected}" for result in results if result.rejected]
    return line + "".join(refused)
