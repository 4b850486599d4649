"""``vreason-track runs list``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.since import since

if TYPE_CHECKING:
    from vreason_tracking.catalog import Run, RunRow

STATUSES = ("RUNNING", "SILENT", "FINISHED", "FAILED", "KILLED")  # vreason_tracking.catalog.run_list.STATUSES


def _identity(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{0,16}", value):
        raise click.BadParameter(f"{value!r} is no beginning of an identity; give up to 16 hexadecimal digits, as the list shows them")
    return value


@click.command("list", short_help="List runs of journal and store, newest first.", context_settings=HELP)
@options.both_sides
@click.option("--all-experiments", is_flag=True, help="Not only one experiment's.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES, case_sensitive=False), help="Only these; may be repeated.")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Only this variant; may be repeated.")
@click.option("--config-name", "configs", multiple=True, metavar="NAME", help="Only runs of this config; may be repeated.")
@click.option("--identity", default="", metavar="PREFIX", callback=_identity, help="Only runs whose identity begins so.")
@click.option("--since", "since_ms", callback=since, metavar="2d|2026-11-01", help="Only runs begun since then; also min, h and w.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many, the newest first.")
@options.as_json
def list_command(
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
    all_experiments: bool,
    statuses: tuple[str, ...],
    variants: tuple[str, ...],
    configs: tuple[str, ...],
    identity: str,
    since_ms: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, the newest first: of the journal here and of the MLflow store.

    A run is RUNNING while its process lives; SILENT is one of another machine that has not been heard of for five minutes. Accuracy is
    shown of FINISHED runs. Points that wait are in the journal and not yet in MLflow; of runs whose journal is elsewhere nobody here knows.
    """
    from vreason_cli.terminal import sources
    from vreason_cli.terminal.listing import print_json
    from vreason_tracking.catalog import Catalog, RunFilter, list_runs

    index = Catalog(options.journal_root(journal), tracking_uri, None if all_experiments else experiment).read()
    found = list_runs(index, RunFilter(statuses, variants, configs, identity, since_ms), limit)
    index = replace(index, damaged=[*index.damaged, *found.unreadable])
    sources.require_either(index)
    if as_json:
        print_json({"runs": [asdict(row) for row in found.rows], "more": found.more, **sources.fields(index)})
        return
    sources.print_notes(index)
    for note in notes_on(found.rows):
        click.echo(f"note: {note}", err=True)
    if found.rows:
        print_rows(found.rows, all_experiments)
        whole = len(found.rows) + found.more
        click.echo(f"{len(found.rows)} run(s)" + (f", {found.more} more: --limit {whole}" if found.more else ""))
    else:
        click.echo(_nothing(index.runs))


def print_rows(rows: Sequence[RunRow], with_experiment: bool) -> None:
    """A line a run. On a terminal MLflow's long ids are cut to a beginning that every command takes; elsewhere nothing is."""
    from vreason_cli.terminal.listing import is_terminal, print_table

    columns = [column for column in _COLUMNS if with_experiment or column[0] != "experiment"]
    cells = [[write(row) for _, write in columns] for row in rows]
    if is_terminal():
        cells = [[_brief(line[0]), *line[1:]] for line in cells]
    spare = ("by", "identity", "config", "duration", "started")
    print_table([name for name, _ in columns], cells, right=("samples", "accuracy", "duration", "waiting"), spare=spare)


def notes_on(rows: Sequence[RunRow]) -> list[str]:
    """What to do about runs that are not as they should be; nothing of the others."""
    looks = (
        ("have failed samples", [row for row in rows if row.samples_failed], "vreason-track samples {run} --failed"),
        ("are damaged", [row for row in rows if row.damage], "vreason-track runs show {run}"),
        (
            "ended before they were done",
            [row for row in rows if row.status in ("KILLED", "FAILED") and row.in_journal],
            "vreason-track run --resume {run}",
        ),
        ("are refused by the store", [row for row in rows if row.rejected], "vreason-track journal status"),
    )
    return [
        f"{len(found)} run(s) {what}: `{command.format(run=_brief(found[0].id))}`{' and so on' if len(found) > 1 else ''}"
        for what, found, command in looks
        if found
    ]


def _brief(run_id: str) -> str:
    return run_id[:12] if re.fullmatch("[0-9a-f]{32}", run_id) else run_id


def _status(row: RunRow) -> str:
    return row.status if row.silent_minutes is None else f"SILENT {row.silent_minutes:,} min"


def _waiting(row: RunRow) -> str:
    if row.waiting_points is None:
        return "-"
    return f"{row.waiting_points:,}" + (" (refused)" if row.rejected else "")


def _samples(row: RunRow) -> str:
    failed = f" ({row.samples_failed} failed)" if row.samples_failed else ""
    return f"{row.samples_done}/{'?' if row.samples_expected is None else row.samples_expected}{failed}"


def _started(row: RunRow) -> str:
    from vreason_cli.terminal.listing import moment

    return moment(row.started, "minutes")


def _duration(row: RunRow) -> str:
    from vreason_cli.terminal.listing import duration

    return duration(row.duration_seconds)


_COLUMNS: tuple[tuple[str, Callable[[RunRow], str]], ...] = (
    ("id", lambda row: row.id),
    ("variant", lambda row: row.variant),
    ("config", lambda row: row.config),
    ("experiment", lambda row: row.experiment),
    ("status", _status),
    ("samples", _samples),
    ("accuracy", lambda row: "-" if row.accuracy is None else f"{row.accuracy:.1%}"),
    ("started", _started),
    ("duration", _duration),
    ("identity", lambda row: row.identity[:8] or "-"),
    ("waiting", _waiting),
    ("by", lambda row: f"{row.user or '?'}@{row.host or '?'}"),
)


def _nothing(runs: Sequence[Run]) -> str:
    """What to say when no run fits."""
    if not runs:
        return "no runs yet: `vreason-track run --config FILE` makes some; --all-experiments, --journal and --tracking-uri look elsewhere"
    known = {
        "variants": sorted({run.variant for run in runs}),
        "configs": sorted({run.config_name for run in runs} - {""}),
    }
    return f"none of {len(runs)} run(s) fits; " + "; ".join(f"{name}: {', '.join(values[:10])}" for name, values in known.items())
