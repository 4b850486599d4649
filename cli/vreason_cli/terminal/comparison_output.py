"""A comparison on the terminal: what must be known first, a sentence a run, then the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vreason_tracking.comparison import Comparison, Drift
    from vreason_tracking.presentation import Table

_SPARE = (
    *("won", "lost", "p", "answered", "detectable", "ratio, p95", "totals' 95 % interval", "p95"),
    *("failed", "missing", "left out", "its 95 % interval", "95 % interval"),
)
"""Columns that a narrow terminal does without, the first one first."""
_NOTHING = ("0", "–")


def print_comparison(comparison: Comparison, groupings: Sequence[str], keys: Sequence[str] = ()) -> None:
    """Print it; `groupings` are those to show beside all questions, such as "problem type", `keys` the data file's own columns."""
    from vreason_tracking.comparison import (
        FEW_RUNS,
        accuracy_by,
        accuracy_table,
        cost_summary,
        failure_table,
        in_short,
        metadata_grouping,
        opening,
        paper_table,
        verdicts,
    )

    for warning in comparison.warnings:
        click.secho(f"WARNING  {warning}", fg="yellow", bold=True)
    click.echo(opening(comparison))
    if len(comparison.runs) - 1 > FEW_RUNS:
        click.echo(in_short(comparison))
    for each in verdicts(comparison):
        click.echo(f"  {each}")
    _print(accuracy_table(comparison))
    _print(cost_summary(comparison))
    failures = failure_table(comparison)
    if any(cell not in _NOTHING for row in failures.rows for cell in (*row[1:5], *row[6:])):
        _print(_without_empty(failures))
    if paper := paper_table(comparison):
        _print(paper)
    for grouping in (*groupings, *map(metadata_grouping, keys)):
        _print(accuracy_by(comparison, grouping))
    for table in comparison.added_tables:
        _print(table)


def print_drift(found: Drift) -> None:
    """Served replies beside the registered run."""
    from vreason_tracking.comparison import drift_table

    for warning in found.warnings:
        click.secho(f"WARNING  {warning}", fg="yellow", bold=True)
    registered, served = found.replies
    click.echo(f"{served} replies of {found.version}, served, beside {registered} of {found.registered.name} ({found.registered.run_id}).")
    moved = [figure.title for figure in found.figures if figure.moved]
    click.echo(f"  moved: {', '.join(moved)}" if moved else "  nothing has moved that these replies could show")
    _print(drift_table(found))


def _without_empty(table: Table) -> Table:
    """The table without the columns in which no run has anything."""
    kept = [index for index in range(len(table.columns)) if index == 0 or any(row[index] not in _NOTHING for row in table.rows)]
    rows = [[row[index] for index in kept] for row in table.rows]
    return replace(table, columns=[table.columns[index] for index in kept], rows=rows, texts=sum(index < table.texts for index in kept))


def _print(table: Table) -> None:
    from vreason_cli.terminal.listing import print_table

    click.echo()
    click.secho(table.title, bold=True)
    right = [name for index, name in enumerate(table.columns) if index >= table.texts]
    spare = [name for name in _SPARE if name in table.columns]
    print_table(table.columns, table.rows, right, spare)
    if table.note:
        click.secho(table.note, dim=True)
