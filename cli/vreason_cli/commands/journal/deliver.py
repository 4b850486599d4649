"""``vreason-track journal deliver``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.catalog import DeliveryOutcome, LocalRun
    from vreason_tracking.journal import RunFolder


@click.command("deliver", short_help="Carry to MLflow what waits.", context_settings=HELP)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--tracking-uri", metavar="URI", help="Where to; default: where each run was recorded for.")
@options.journal
@click.option("--again", is_flag=True, help="Forget what was delivered and deliver everything anew, as to a store that was lost.")
@click.option(
    "--repair",
    "repair",
    is_flag=True,
    help="Also read back what was delivered, point for point, and repair what is missing, differs, or is too much.",
)
@click.option(
    "--wait", type=click.FloatRange(min=0), default=30.0, show_default=True, metavar="SECONDS", help="For a store that is unavailable."
)
def deliver_command(runs: tuple[str, ...], tracking_uri: str | None, journal: str | None, again: bool, repair: bool, wait: float) -> None:
    """Carry to MLflow what waits in the journal: of every run, or of those named.

    Sending twice changes nothing. Runs whose process is gone are closed first, and runs that the store has refused are tried again. What
    another process delivers is left to it. Of runs that were delivered before it is looked whether their store still holds them.

    Exit codes: 0 done, 5 a store is unavailable, refuses something, or has lost a run (the journal keeps everything), 130 interrupted.
    """
    from vreason.errors import TrackingError
    from vreason_cli.terminal.audit_handover import hand_over_to
    from vreason_tracking.catalog import chosen_folders, consign, delivered_by_address

    folders = chosen_folders(options.journal_root(journal), runs)
    deliveries = consign(folders, tracking_uri, os.environ, again=again)
    failures = list(deliveries.failures)
    for note in deliveries.notes:
        click.echo(f"note: {note}", err=True)
    try:
        for address, group in deliveries.groups.items():
            failures += _deliver(address, group, wait)
        failures += _look_after(folders, tracking_uri, wait, repair=repair)
    finally:
        _print_end(folders)
    for address in sorted({*deliveries.groups, *delivered_by_address(folders, tracking_uri, os.environ)[0]}):
        hand_over_to(address, options.journal_root(journal))
    if failures:
        raise TrackingError("\n".join([*failures, "the journal keeps everything; `vreason-track journal deliver` goes on from there"]))


def _deliver(address: str, runs: Sequence[LocalRun], wait: float) -> list[str]:
    """Deliver to one address, and say what came of it; returns what went wrong."""
    from vreason_tracking.catalog import JournalDelivery

    delivery = JournalDelivery(address, runs, lambda text: click.echo(text, err=True), wait)
    click.echo(f"{len(runs)} run(s) to {delivery.result.uri}")
    try:
        with _progress(sum(run.recorded for run in runs)) as show:
            for points in delivery.advance():
                show(points)
    finally:
        delivery.close()
        for run in runs:
            click.echo(f"  {_outcome(run, delivery.result)}")
    return [*_failures(delivery.result), *_excluded(runs)]


def _look_after(folders: Sequence[RunFolder], uri: str | None, wait: float, *, repair: bool) -> list[str]:
    """See that what was delivered is still there and, with `repair`, whole; returns what went wrong."""
    from vreason.errors import TrackingError, TrackingUnavailableError
    from vreason_tracking.catalog import delivered_by_address, gone_from_store

    groups, failures = delivered_by_address(folders, uri, os.environ)
    for address, runs in groups.items():
        try:
            gone = gone_from_store(runs, address)
            failures += gone
            if repair and not gone:
                failures += _repair(address, runs, wait)
        except TrackingUnavailableError as error:
            click.echo(f"note: whether {len(runs)} delivered run(s) are still there is not known: {error}", err=True)
            failures += [str(error)] if repair else []
        except TrackingError as error:
            failures.append(str(error))
    return failures


def _repair(address: str, runs: Sequence[LocalRun], wait: float) -> list[str]:
    from vreason_tracking.catalog import check_delivered, repair
    from vreason_tracking.stores import MlflowStore

    failures = []
    open_experiment = cache(partial(MlflowStore, address, patient=False))
    for run in runs:
        found = check_delivered(run, open_experiment(run.manifest.experiment))
        if found.intact:
            click.echo(f"  {run.run_id} ({run.variant}): {found.points:,} points read back, nothing to repair")
            continue
        for difference in found.differences:
            click.echo(f"  {run.run_id} ({run.variant}): {difference}")
        after = repair(run, address, found, lambda text: click.echo(text, err=True), wait)
        click.echo(f"  {run.run_id} ({run.variant}): {'repaired' if after.intact else 'not repaired'}: {after.points:,} points read back")
        failures += [f"run {run.run_id}: still {difference}" for difference in after.differences]
    return failures


@contextmanager
def _progress(points: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bars = Progress(TextColumn("points"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    with bars:
        task = bars.add_task("points", total=points)
        yield lambda done: bars.update(task, completed=done)


def _outcome(run: LocalRun, result: DeliveryOutcome) -> str:
    """Where one run stands now."""
    from vreason_tracking.catalog import LocalRun

    now = LocalRun(run.folder)
    head = f"{run.run_id} ({run.manifest.variant})"
    if run.run_id in result.refused:
        return f"{head}: refused: {result.refused[run.run_id]}"
    if run.run_id in result.left:
        return f"{head}: left: {result.left[run.run_id]}"
    if now.is_delivered:
        return f"{head}: {now.delivered:,} points, {now.status}, as {now.marks.run_id}"
    return f"{head}: {now.waiting:,} points wait"


def _excluded(runs: Sequence[LocalRun]) -> list[str]:
    """Of each run, the values that the store does not take."""
    from vreason_tracking.catalog import LocalRun
    from vreason_tracking.delivery import excluded_line

    lines = {run.run_id: excluded_line(LocalRun(run.folder).marks) for run in runs}
    return [f"run {run_id}: {line}" for run_id, line in lines.items() if line]


def _failures(result: DeliveryOutcome) -> list[str]:
    unavailable = [f"{result.uri} is unavailable: {result.unavailable}"] if result.unavailable else []
    return unavailable + [f"{result.uri} does not take run {run_id}: {reason}" for run_id, reason in result.refused.items()]


def _print_end(folders: Sequence[RunFolder]) -> None:
    """The truth about the points of all runs that were meant."""
    from vreason_tracking.catalog import journal_rows_of, totals

    sums = totals(journal_rows_of(folders))
    click.echo(f"{sums['recorded']:,} points recorded, {sums['delivered']:,} delivered, {sums['waiting']:,} waiting")
