"""The table at the end of a run: one line a variant, with its difference to the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vreason_tracking.record import metric_names as names

if TYPE_CHECKING:
    from vreason_tracking.running import VariantResult

Figures = dict[str, float]

_COLUMNS: tuple[tuple[str, str, Callable[[float], str], bool], ...] = (
    ("accuracy", names.ACCURACY, lambda value: f"{value:.1%}", False),
    ("tokens", names.TOKENS.mean, lambda value: f"{value:.1f}", True),
    ("latency", names.LATENCY.mean, lambda value: f"{value:.0f} ms", True),
    ("first token", names.FIRST_TOKEN.mean, lambda value: f"{value:.0f} ms", True),
    ("per token", names.PER_TOKEN.mean, lambda value: f"{value:.2f} ms", True),
    ("control", names.CONTROL_SHARE, lambda value: f"{value:.1%}", False),
    ("peak memory", names.PEAK_MEMORY, lambda value: f"{value / 2**20:,.0f} MiB", True),
)
"""Heading, summary metric, how it is written, and whether its difference is a ratio (else points)."""


def baseline_of(results: Sequence[VariantResult]) -> VariantResult:
    """The variant called "baseline", else the first."""
    return next((result for result in results if result.name == "baseline"), results[0])


def result_table(results: Sequence[VariantResult]) -> Table:
    """Accuracy, tokens, latency and memory of each variant, each with the difference to the baseline."""
    base = baseline_of(results)
    reference = base.summary.metrics()
    table = Table(title=Text(f"differences are to {base.name}"), title_justify="left", title_style="dim", header_style="bold", box=None)
    table.add_column("variant", no_wrap=True)
    table.add_column("samples", justify="right")
    for heading, *_ in _COLUMNS:
        table.add_column(heading, justify="right")
    for result in results:
        figures = result.summary.metrics()
        done = f"{result.summary.answered}" + (f" (+{result.summary.failed} failed)" if result.summary.failed else "")
        cells = [_cell(figures, reference, column, result is base) for column in _COLUMNS]
        name = Text(result.name + ("" if result.status == "FINISHED" else f" ({result.status})"))  # no markup: names are the user's
        table.add_row(name, done, *cells)
    return table


def _cell(figures: Figures, reference: Figures, column: tuple[str, str, Callable[[float], str], bool], is_base: bool) -> str:
    _, name, write, ratio = column
    if name not in figures:
        return "-"
    text = write(figures[name])
    if is_base or name not in reference or name == names.CONTROL_SHARE:
        return text
    if ratio:
        return text + (f" ({figures[name] / reference[name] - 1:+.1%})" if reference[name] else "")
    return f"{text} ({(figures[name] - reference[name]) * 100:+.1f} pt)"


def show(table: Table) -> None:
    """Print a table, as wide as it needs to be where nobody looks at a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print()
    console.print(table)
