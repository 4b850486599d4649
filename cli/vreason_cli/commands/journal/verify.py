"""``vreason-track journal verify``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.journal import RunFolder, Verification


@click.command("verify", short_help="Check every record.", context_settings=HELP)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@options.journal
@click.option("--store", "with_store", is_flag=True, help="Also read back what was delivered, point for point.")
@click.option("--tracking-uri", metavar="URI", help="With --store: where the runs are; default: where each was delivered to.")
@options.as_json
@click.pass_context
def verify_command(
    context: click.Context, runs: tuple[str, ...], journal: str | None, with_store: bool, tracking_uri: str | None, as_json: bool
) -> None:
    """Check every record of every run, or of those named, against its checksum, and name each one that is not as it was written.

    The torn end of a run whose process died is no damage: it was never closed, and is cut when the run is closed or continued.

    With --store every run that was delivered is read back: points, tags, settings, files, and whether one of this journal's is missing
    here. `vreason-track journal deliver --repair` mends the store from the journal.

    Exit codes: 0 nothing is damaged, 1 something is, 5 the journal or a store cannot be read.
    """
    from vreason_tracking.catalog import check, chosen_folders

    found: list[Verification] = []
    root = options.journal_root(journal)
    folders = chosen_folders(root, runs)
    for folder in folders:
        verification = check(folder)
        found.append(verification)
        if not as_json:
            for line in report(verification):
                click.echo(line)
    damaged = [each for each in found if not each.intact]
    stores = _read_back(root, folders, tracking_uri, whole=not runs, quiet=as_json) if with_store else []
    if as_json:
        from vreason_cli.terminal.listing import print_json

        more = {"store": stores} if with_store else {}
        print_json(
            {"intact": not damaged and not any(each["differences"] for each in stores), "runs": [_fields(each) for each in found]} | more
        )
    else:
        records = sum(each.records for each in found)
        click.echo(f"{len(found)} run(s), {records:,} records: {f'{len(damaged)} run(s) are damaged' if damaged else 'nothing is damaged'}")
    context.exit(1 if damaged or any(each["differences"] for each in stores) else 0)


def _read_back(root: Path, folders: Sequence[RunFolder], uri: str | None, *, whole: bool, quiet: bool) -> list[dict[str, Any]]:
    """Each delivered run with what its store has otherwise; with `whole` also runs that the store has and the journal has lost."""
    from vreason.errors import TrackingError
    from vreason_tracking.catalog import check_delivered, delivered_by_address, lost_here
    from vreason_tracking.stores import MlflowStore, portable_uri

    groups, failures = delivered_by_address(folders, uri, os.environ)
    if failures:
        raise TrackingError("\n".join(failures))
    rows: list[dict[str, Any]] = []
    for address, group in groups.items():
        lost: list[dict[str, Any]] = (
            [{"run_id": None, "points": 0, "differences": [line]} for line in lost_here(root, address)] if whole else []
        )
        open_experiment = cache(partial(MlflowStore, address, create=False, patient=False))
        for run in group:
            check = check_delivered(run, open_experiment(run.manifest.experiment))
            rows.append({"run_id": run.run_id, "points": check.points, "differences": [str(each) for each in check.differences]})
            if not quiet:
                state = "as the journal has it" if check.intact else f"{len(check.differences)} difference(s)"
                click.echo(f"{run.run_id} in {portable_uri(address)}: {state}: {check.points:,} points, {check.samples} sample(s)")
                for difference in check.differences:
                    click.echo(f"  {difference}")
        rows += lost
        for row in [] if quiet else lost:
            click.echo(row["differences"][0])
    waiting = len(folders) - sum(map(len, groups.values()))
    if waiting and not quiet:
        click.echo(f"{waiting} run(s) are not delivered to their end, and were not looked for in a store")
    return rows


def report(verification: Verification) -> list[str]:
    """What a check found, in lines; each damage has its own."""
    fragments = f"{verification.fragments} fragment(s), {verification.records:,} record(s), {verification.samples} finished sample(s)"
    state = "intact" if verification.intact else f"{len(verification.damages)} damage(s)"
    lines = [f"{verification.run_id}: {state}: {fragments}"]
    if verification.live and verification.open_records:
        lines.append(f"  under way: {verification.open_records:,} record(s) not closed yet")
    elif verification.open_records or verification.torn_bytes:
        kept = f"{verification.open_records:,} record(s) of a dead process that nobody closed, kept when it is closed or continued"
        lines.append(f"  {kept}; {verification.torn_bytes:,} torn byte(s) after them")
    return lines + [f"  {damage}" for damage in verification.damages]


def _fields(verification: Verification) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(verification), "intact": verification.intact}
