"""What a comparison's page holds, in order; Markdown and HTML print the same."""

from __future__ import annotations

from collections.abc import Iterator

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.tables import accuracy_tables, context_tables, cost_tables
from vreason_tracking.presentation import Table

_NAMED, _LONGEST = 3, 80  # runs that a title names, and characters of their names

GROUPINGS = ("benchmark", "problem type", "video length", "category")


def title_of(comparison: Comparison) -> str:
    """The heading."""
    base = comparison.names[comparison.baseline]
    others = [name for index, name in enumerate(comparison.names) if index != comparison.baseline]
    named = len(others) == 1 or (len(others) <= _NAMED and len("".join(others)) < _LONGEST)
    told = " and ".join(others) if named else f"{len(others)} runs"
    return f"{told} against {base}"


def opening(comparison: Comparison) -> str:
    """What was asked of whom."""
    frame = comparison.frame
    configs = ", ".join(dict.fromkeys(run.config for run in comparison.runs if run.config))
    return (
        f"{len(comparison.runs)} runs of {configs or 'no named config'}, {len(frame.ids):,} questions about {frame.videos:,} videos, "
        f"scoring profile {comparison.scoring}; baseline: {comparison.names[comparison.baseline]}."
    )


def tables_of(comparison: Comparison) -> list[Table]:
    """Tables of all questions, and of the runs."""
    found = [
        accuracy_tables.accuracy_table(comparison),
        *cost_tables.cost_tables(comparison),
        context_tables.failure_table(comparison),
        context_tables.paper_table(comparison),
        context_tables.run_table(comparison),
        context_tables.method_table(comparison),
        context_tables.difference_table(comparison),
    ]
    return [table for table in found if table is not None]


def groupings_of(comparison: Comparison) -> Iterator[tuple[str, list[Table]]]:
    """Each grouping with its tables; one without a group (no question has a category) is left out."""
    for grouping in dict.fromkeys([*GROUPINGS, *(group.grouping for group in comparison.groups[1:])]):
        tables = [make(comparison, grouping) for make in (accuracy_tables.accuracy_by, cost_tables.costs_by, context_tables.failures_by)]
        if tables[0].rows:
            yield grouping, [table for table in tables if table.rows]
