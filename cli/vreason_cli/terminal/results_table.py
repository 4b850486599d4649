"""The table at the end of a run: one line a variant, with what is sure of its difference to the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vreason_tracking.records import metric_names as names

if TYPE_CHECKING:
    from vreason_tracking.comparison import RunEffects
    from vreason_tracking.running import VariantResult

_COLUMNS: tuple[tuple[str, str, Callable[[float], str], str], ...] = (
    ("accuracy", names.ACCURACY, lambda value: f"{value:.1%}", "accuracy"),
    ("tokens", names.TOKENS.p50, lambda value: f"{value:.0f}", "output_tokens"),
    ("latency", names.LATENCY.p50, lambda value: f"{value:.0f} ms", "latency_ms"),
    ("first token", names.FIRST_TOKEN.p50, lambda value: f"{value:.0f} ms", "time_to_first_token_ms"),
    ("per token", names.PER_TOKEN.p50, lambda value: f"{value:.2f} ms", "ms_per_token"),
    ("control", names.CONTROL_SHARE, lambda value: f"{value:.1%}", ""),
    ("peak memory", names.PEAK_MEMORY, lambda value: f"{value / 2**20:,.0f} MiB", ""),
)
"""Heading, summary metric, how it is written, and the quantity whose difference to the baseline stands beside it."""


def result_table(results: Sequence[VariantResult], baseline: int = 0, effects: Sequence[RunEffects] = ()) -> Table:
    """Accuracy, tokens, latency and memory of each variant: means of accuracy, medians of the others.

    Args:
        results: of the variants.
        baseline: place of the variant that the others are compared with.
        effects: of each variant, the differences that are shown; empty where nothing can be said.
    """
    title = Text(
        "mean accuracy, median tokens and times"
        + (f"; differences are to {results[baseline].name}, with 95 % intervals" if len(results) > 1 else "")
    )
    table = Table(title=title, title_justify="left", title_style="dim", header_style="bold", box=None)
    table.add_column("variant", no_wrap=True)
    table.add_column("samples", justify="right")
    for heading, *_ in _COLUMNS:
        table.add_column(heading, justify="right")
    for index, result in enumerate(results):
        figures = result.summary.metrics()
        done = f"{result.summary.answered}" + (f" (+{result.summary.failed} failed)" if result.summary.failed else "")
        cells = [_cell(figures, column, effects[index] if effects else None) for column in _COLUMNS]
        name = Text(result.name + ("" if result.status == "FINISHED" else f" ({result.status})"))  # no markup: names are the user's
        table.add_row(name, done, *cells)
    return table


def _cell(figures: dict[str, float], column: tuple[str, str, Callable[[float], str], str], effect: RunEffects | None) -> str:
    """A figure, and beside it the difference that is shown."""
    from vreason_tracking.presentation import points, points_interval, ratio, ratio_interval

    _, name, write, quantity = column
    if name not in figures:
        return "-"
    text = write(figures[name])
    if effect is None:
        return text
    if quantity == "accuracy" and effect.accuracy is not None:
        return f"{text} ({points(effect.accuracy.value)} pt, {points_interval(effect.accuracy)})"
    if (shown := effect.ratios.get(quantity)) is not None:
        return f"{text} ({ratio(shown.value)}, {ratio_interval(shown)})"
    return text


def timing_lines(results: Sequence[VariantResult], effects: Sequence[RunEffects]) -> list[str]:
    """Why times of some variants are not compared, a line a reason."""
    found: dict[str, list[str]] = {}
    for result, effect in zip(results, effects, strict=True):
        if effect.timing_issue is not None:
            found.setdefault(effect.timing_issue, []).append(result.name)
    return [f"latency not comparable ({', '.join(names)}): {issue}" for issue, names in found.items()]


def show(table: Table) -> None:
    """Print a table, as wide as it needs to be where nobody looks at a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=1_000)
    console.print()
    console.print(table)
