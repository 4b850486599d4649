"""``vreason-track runs steps``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason.events import StepRecord
    from vreason_tracking.catalog import SampleSteps

_COLUMNS = ("t", "token", "H", "EMA", "peak", "phase", "loss", "|dV|", "grad norm", "cosine", "memory", "ms")


@click.command("steps", short_help="Every step of one sample.", context_settings=HELP)
@click.argument("run")
@click.argument("sample_id")
@options.both_sides
@click.option("--updates", is_flag=True, help="Only tokens at which dV was updated.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values instead: the fields of --json, a line a step.")
@options.as_json
def steps_command(
    run: str,
    sample_id: str,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
    updates: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print every step of one sample: entropy, moving average, peak, phase and what the controller did.

    Entropies and losses are in nats, memory in MiB, ms is the whole step. Steps of a sample that never ended, because its run was killed,
    are shown as far as the journal has them.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two ways to print the same; give one of them")
    from vreason_tracking.catalog import Catalog, steps_of

    found = Catalog(options.journal_root(journal), tracking_uri, experiment).find(run)
    reply = steps_of(found, sample_id)
    steps = [step for step in reply.steps if step.updated or not updates]
    if as_json:
        from vreason_cli.terminal.listing import print_json

        whole = {"run_id": found.shown_id, "variant": found.variant, "sample_id": sample_id, "ended": reply.ended, "source": reply.source}
        print_json({**whole, "note": reply.note, "steps": [_fields(step) for step in steps]})
    elif as_csv:
        _print_csv(steps)
        if reply.note:
            click.echo(f"note: {reply.note}", err=True)
    else:
        _print_table(reply, steps, f"{found.variant}, run {found.shown_id}")


def _fields(step: StepRecord) -> dict[str, Any]:
    return {**asdict(step), "phase": step.phase, "step_ms": step.step_ms}


def _print_csv(steps: Sequence[StepRecord]) -> None:
    from dataclasses import fields

    from vreason.events import StepRecord

    names = [*(each.name for each in fields(StepRecord)), "phase", "step_ms"]
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_fields, steps))


def _print_table(reply: SampleSteps, steps: Sequence[StepRecord], run: str) -> None:
    from vreason_cli.terminal.listing import print_table

    click.secho(f"{reply.sample_id}  ({run})", bold=True)
    if reply.sample is not None and reply.sample.error:
        click.echo(f"the sample failed: {reply.sample.error}")
    print_table(_COLUMNS, map(_cells, steps), right=[name for name in _COLUMNS if name != "phase"], spare=("token", "memory", "ms"))
    updates = sum(step.updated for step in reply.steps)
    click.echo(f"{len(reply.steps)} step(s), {updates} update(s) of dV; from the {reply.source}")
    if reply.note:
        click.echo(reply.note)


def _cells(step: StepRecord) -> list[str]:
    memory = "-" if step.device_memory_bytes is None else f"{step.device_memory_bytes / 2**20:,.1f}"
    figures = (step.loss, step.delta_v_norm, step.grad_norm, step.value_cosine)
    return [
        str(step.token_index),
        str(step.token_id),
        *(f"{value:.4f}" for value in (step.entropy, step.ema, step.peak)),
        step.phase,
        *("-" if value is None else f"{value:.4f}" for value in figures),
        memory,
        f"{step.step_ms:.1f}",
    ]
