"""Tokens, time, control and memory in tables: of all questions, and of every group."""

from __future__ import annotations

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.costs import QUANTITIES, Cost, Quantity
from vreason_tracking.comparison.tables.result_rows import of_all, of_grouping
from vreason_tracking.presentation import Table, formatting, slug

NOT_COMPARABLE = "not comparable"
_OWN = ("n", "median", "95 % interval", "p95", "mean")
_RATIO = ("ratio, median", "its 95 % interval", "ratio, p95", "ratio of totals", "totals' 95 % interval", "pairs")


def cost_tables(comparison: Comparison) -> list[Table]:
    """Each quantity on all questions, then memory."""
    note = (
        "Ratios are of each question's own pair with the baseline; the ratio of totals is what all questions together cost. "
        "n and pairs are questions that have the figure: a reply of one token has no time per token."
    )
    tables: list[Table] = []
    for quantity in QUANTITIES:
        rows = [
            [name, *_cost(result.costs[quantity.name], quantity.unit, issue)]
            for (name, result), issue in zip(of_all(comparison), comparison.timing_issues, strict=True)
        ]
        title = _title(quantity)[0].upper() + _title(quantity)[1:]
        tables.append(
            Table(
                slug(quantity.name),
                title,
                ["run", *_OWN, *_RATIO],
                rows,
                note=" ".join(filter(None, ["" if tables else note, timing_note(comparison) if quantity.unit == "ms" else ""])),
            )
        )
    return [*tables, memory_table(comparison)]


def cost_summary(comparison: Comparison) -> Table:
    """All quantities on all questions in one narrow table."""
    rows = []
    for quantity in QUANTITIES:
        for (name, result), issue in zip(of_all(comparison), comparison.timing_issues, strict=True):
            _, *own, _, ratio, of_it, p95, total, of_that, _ = _cost(result.costs[quantity.name], quantity.unit, issue)
            rows.append([_title(quantity), name, *own, ratio, of_it, p95, total, of_that])
    for name, result in of_all(comparison):
        peak = f"max {formatting.gibibytes(result.memory.peak_bytes)}"
        rows.append(["peak memory", name, peak, *[formatting.NONE] * 2, formatting.ratio(result.memory.ratio), *[formatting.NONE] * 4])
    heads = ["", "run", "median", "95 % interval", "p95", *_RATIO[:-1]]
    note = "Ratios: of each question's own pair with the baseline, their median; of totals: what all questions together cost."
    note = " ".join(filter(None, [note, timing_note(comparison)]))
    return Table("costs", "Costs", heads, rows, 2, note)


def memory_table(comparison: Comparison) -> Table:
    """The greatest memory in use."""
    rows = []
    for name, result in of_all(comparison):
        memory = result.memory
        allocated = formatting.gibibytes(memory.torch_allocated_bytes)
        rows.append(
            [name, memory.source or formatting.NONE, formatting.gibibytes(memory.peak_bytes), formatting.ratio(memory.ratio), allocated]
        )
    note = (
        "The greatest over all samples, failed ones too. Other sources than torch's tensors are the process's; "
        "runs of one call share a process, and their ratio is of torch's tensors (CUDA), or there is none."
    )
    return Table("memory", "Peak memory", ["run", "source", "peak", "ratio", "torch's tensors"], rows, 2, note)


def costs_by(comparison: Comparison, grouping: str) -> Table:
    """All quantities on every group of a grouping, in short."""
    issues = dict(zip(comparison.names, comparison.timing_issues, strict=True))
    rows = [
        [
            group.name,
            name,
            *(_short_cost(result.costs[each.name], each.unit, issues[name]) for each in QUANTITIES),
            formatting.gibibytes(result.memory.peak_bytes),
        ]
        for group, name, result in of_grouping(comparison, grouping)
    ]
    heads = [_title(each) for each in QUANTITIES]
    note = "Median (p95); then the median of the questions' ratios to the baseline, its 95 % interval, and the ratios' p95."
    return Table(slug(f"costs by {grouping}"), f"Costs by {grouping}", [grouping, "run", *heads, "peak memory"], rows, 2, note)


def _title(quantity: Quantity) -> str:
    return quantity.title if quantity.unit in ("share", "tokens") else f"{quantity.title}, {quantity.unit}"


def timing_note(comparison: Comparison) -> str:
    """Why times of some runs are not compared; "" where all are."""
    issues: dict[str, list[str]] = {}
    for name, issue in zip(comparison.names, comparison.timing_issues, strict=True):
        if issue is not None:
            issues.setdefault(issue, []).append(name)
    return " ".join(f"Times not comparable ({', '.join(names)}): {issue}." for issue, names in issues.items())


def _cost(cost: Cost, unit: str, timing_issue: str | None) -> list[str]:
    median, ratio = cost.median, cost.ratio
    own = [
        f"{cost.n:,}",
        formatting.quantity(median.value if median else None, unit),
        _interval(cost, unit),
        formatting.quantity(cost.p95, unit),
        formatting.quantity(cost.mean, unit),
    ]
    if ratio is None:
        return [*own, *[formatting.NONE] * len(_RATIO)]
    if timing_issue is not None and unit == "ms":
        return [*own, NOT_COMPARABLE, *[formatting.NONE] * (len(_RATIO) - 2), f"{ratio.pairs:,}"]
    middle, total = ratio.median, ratio.of_totals
    return [
        *own,
        formatting.ratio(middle.value if middle else None),
        formatting.ratio_interval(middle),
        formatting.ratio(ratio.p95),
        formatting.ratio(total.value if total else None),
        formatting.ratio_interval(total),
        f"{ratio.pairs:,}",
    ]


def _interval(cost: Cost, unit: str) -> str:
    median = cost.median
    if median is None or median.low is None:
        return formatting.NONE
    return f"{formatting.quantity(median.low, unit)} to {formatting.quantity(median.high, unit)}"


def _short_cost(cost: Cost, unit: str, timing_issue: str | None) -> str:
    if cost.median is None:
        return formatting.NONE
    own = f"{formatting.quantity(cost.median.value, unit)} ({formatting.quantity(cost.p95, unit)})"
    if cost.ratio is None or cost.ratio.median is None:
        return own
    if timing_issue is not None and unit == "ms":
        return f"{own}; {NOT_COMPARABLE}"
    middle = cost.ratio.median
    return f"{own}; {formatting.ratio(middle.value)}, {formatting.ratio_interval(middle)}, p95 {formatting.ratio(cost.ratio.p95)}"
