"""How listings are written: tables, times, sizes, and JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from rich.table import Table

_NARROWEST, _WIDEST = 200, 100_000  # columns where nobody looks at a terminal


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document. What JSON has no word for (NaN, infinity) becomes null, and stands under "not_finite" by its place."""
    not_finite: dict[str, str] = {}
    plain = _plain(document, "", not_finite)
    click.echo(json.dumps(plain | {"not_finite": not_finite} if not_finite else plain, indent=2))


def _plain(value: Any, place: str, not_finite: dict[str, str]) -> Any:
    """The value as JSON takes it; what it does not take is noted, such as "steps[3].loss": "nan"."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each, f"{place}.{name}" if place else str(name), not_finite) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each, f"{place}[{index}]", not_finite) for index, each in enumerate(value)]
    if isinstance(value, float) and value - value != 0.0:
        not_finite[place] = str(value)
        return None
    return value


def is_terminal() -> bool:
    """Whether somebody reads the output on a terminal."""
    from rich.console import Console

    return Console().is_terminal


def table_of(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> Table:
    """A table of plain cells; columns named in `right` are numbers. Nothing in a cell is markup: names are the user's."""
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in columns:
        justify: Literal["left", "right"] = "right" if name in set(right) else "left"
        table.add_column(name, justify=justify, no_wrap=name == columns[0], overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = (), spare: Sequence[str] = (), err: bool = False
) -> None:
    """Print a table: fitted to a terminal, and as wide as it needs to be elsewhere, so that nothing is cut.

    Args:
        columns, rows, right: see `table_of`.
        spare: columns that a terminal may be too narrow for; the first one goes first, and what is left out is said.
        err: print to standard error.
    """
    from rich.console import Console

    console, cells, excluded = Console(stderr=err), list(rows), 0
    table = table_of(columns, cells, right)
    if not console.is_terminal:
        Console(width=max(_NARROWEST, _width(table)), stderr=err).print(table)
        return
    while _width(table) > console.width and excluded < len(spare):
        excluded += 1
        kept = [index for index, name in enumerate(columns) if name not in spare[:excluded]]
        table = table_of([columns[index] for index in kept], [[row[index] for index in kept] for row in cells], right)
    console.print(table)
    if excluded:
        click.secho(f"too narrow for: {', '.join(spare[:excluded])} (--json has everything)", dim=True, err=err)


def _width(table: Table) -> int:
    """Columns that it takes if nothing is folded."""
    from rich.console import Console

    return Console(width=_WIDEST).measure(table).maximum


def moment(stamp: str, to: str = "seconds") -> str:
    """A time in UTC, ISO 8601, as the clock on the wall here shows it, to "minutes" or "seconds"."""
    try:
        return datetime.fromisoformat(stamp).astimezone().replace(tzinfo=None).isoformat(" ", to)
    except (ValueError, OverflowError):
        return "-"


def duration(seconds: float | None) -> str:
    """In words: "48 s", "12 min 3 s", "2 h 5 min"."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """Bytes in words."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count} B"
