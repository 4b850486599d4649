"""Tables of one's own in a report: functions that are given a comparison and return a table, named as ``module:function``.

    def by_length(comparison: Comparison) -> Table: ...

    vreason-track compare --config-run quickstart --table my_table:by_length

See docs/guides/table.md for what such a function may read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vreason.errors import PluginError
from vreason.plugins import is_reference, load_reference, reference_issue
from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.presentation import Table

OPTION = "--table"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

TableFunction = Callable[[Comparison], Table]


def load_table_functions(references: Sequence[str]) -> dict[str, TableFunction]:
    """The functions that these ``module:function`` texts name, each once, in their order.

    Raises:
        PluginError: one is not of that form, cannot be loaded, or is no function.
    """
    return {reference: _loaded(reference) for reference in references}


def with_added_tables(comparison: Comparison, functions: Mapping[str, TableFunction]) -> Comparison:
    """The comparison with the tables that these functions make of it.

    Args:
        comparison: what each function is given.
        functions: by the text that named them.

    Raises:
        PluginError: a function raises, or returns something else than a table that can be printed; the message names it.
    """
    tables: dict[str, Table] = {}
    for reference, function in functions.items():
        table = _made(reference, function, comparison)
        if table.name in tables:
            raise PluginError(f"{OPTION}: {reference} calls its table {table.name!r}, as another one does; give each its own Table.name")
        tables[table.name] = table
    return replace(comparison, added_tables=tuple(tables.values()))


def _loaded(reference: str) -> TableFunction:
    if not is_reference(reference):
        raise PluginError(f"{OPTION}: {reference!r} is not written module:function; name the function as my_module:my_function")
    if issue := reference_issue(reference):
        raise PluginError(f"{OPTION}: {issue}")
    found = load_reference(reference, OPTION)
    if not callable(found):
        raise PluginError(f"{OPTION}: {reference} is a {type(found).__name__}; name a function of one comparison")
    return found  # type: ignore[no-any-return]


def _made(reference: str, function: TableFunction, comparison: Comparison) -> Table:
    try:
        made: Any = function(comparison)
    except Exception as error:  # whatever somebody else's function raises
        raise PluginError(f"{OPTION}: {reference} failed: {type(error).__name__}: {error}; fix it") from error
    if not isinstance(made, Table):
        raise PluginError(f"{OPTION}: {reference} returned a {type(made).__name__}; return a vreason_tracking.presentation.Table")
    try:
        table = replace(made, columns=list(made.columns), rows=[list(row) for row in made.rows])
    except TypeError as error:
        raise PluginError(f"{OPTION}: the table of {reference} has no lists of cells: {error}; give columns and rows as lists") from error
    if issue := _issue(table):
        raise PluginError(f"{OPTION}: the table of {reference} cannot be printed: {issue}")
    return table


def _issue(table: Table) -> str | None:
    """What is wrong with a table, and what would be right; None when nothing is."""
    if not isinstance(table.name, str) or not _NAME.fullmatch(table.name):
        return f"its name is {table.name!r}; use small letters, digits and hyphens, for it becomes a link"
    if wrong := [each for each in (table.title, table.note, *table.columns) if not isinstance(each, str)]:
        return f"{wrong[0]!r} is a {type(wrong[0]).__name__}; title, note and columns are text"
    if not (isinstance(table.texts, int) and 1 <= table.texts <= len(table.columns)):
        return f"texts is {table.texts!r} with {len(table.columns)} column(s); it counts the columns of words on the left, at least one"
    for number, row in enumerate(table.rows, 1):
        if len(row) != len(table.columns):
            return f"row {number} has {len(row)} cell(s) for {len(table.columns)} column(s); give each column one"
        for column, cell in zip(table.columns, row, strict=True):
            if not isinstance(cell, str):
                what = f"row {number}, column {column!r}: {cell!r} is a {type(cell).__name__}"
                return f"{what}; make it text, with percent, points or amount of vreason_tracking.presentation"
    return None
