"""The comparison for machines: one JSON document, and one CSV row for each figure. docs/comparison.md names the fields."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from vreason.evaluation import ADVICE
from vreason_tracking.catalog import iso
from vreason_tracking.comparison.comparison import Comparison, Result
from vreason_tracking.comparison.costs import QUANTITIES
from vreason_tracking.comparison.tables.verdicts import verdicts

FORMAT = 1
COLUMNS = (
    "grouping",
    "group",
    "questions",
    "videos",
    "run",
    "run_id",
    "baseline",
    "metric",
    "statistic",
    "how",
    "unit",
    "value",
    "low",
    "high",
    "standard_error",
    "n",
    "clusters",
)
"""Of the CSV file; what a figure does not have is empty."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FORMULA_INSIDE = re.compile(r"[,;](?=[=+@-])")  # in a warning, which a spreadsheet splits at commas

Row = Mapping[str, Any]


def to_json(comparison: Comparison) -> str:
    """Everything but the samples."""
    return json.dumps(document(comparison), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def document(comparison: Comparison) -> dict[str, Any]:
    """Everything of a comparison but its samples, as plain values that JSON takes."""
    return {
        "format": FORMAT,
        "warnings": list(comparison.warnings),
        "verdicts": list(verdicts(comparison)),
        "baseline": comparison.names[comparison.baseline],
        "scoring": comparison.scoring,
        "questions": len(comparison.frame.ids),
        "videos": comparison.frame.videos,
        "runs": [_run(comparison, index) for index in range(len(comparison.runs))],
        "unlike": [asdict(each) for each in comparison.unlike],
        "differences": [asdict(each) for each in comparison.differences],
        "groups": [
            {
                "grouping": group.grouping,
                "group": group.name,
                "questions": group.questions,
                "videos": group.videos,
                "results": {name: asdict(result) for name, result in zip(comparison.names, group.results, strict=True)},
            }
            for group in comparison.groups
        ],
        "paper": asdict(comparison.paper),
        "added_tables": [asdict(table) for table in comparison.added_tables],
    }


def _run(comparison: Comparison, index: int) -> dict[str, Any]:
    run, whole = comparison.runs[index], comparison.completeness[index]
    facts = ("name", "run_id", "mlflow_id", "variant", "config", "status", "params", "tags", "identity")
    return {
        **{fact: getattr(run, fact) for fact in facts},
        "started": iso(run.started_ms),
        **asdict(whole),
        "timing_issue": comparison.timing_issues[index],
    }


def to_csv(comparison: Comparison) -> str:
    """One row for each figure, its interval beside it; warnings stand above the heads, in lines that begin with #.

    Words are quoted, so that a # in them is no comment; no cell becomes a formula when a spreadsheet opens the file.
    """
    text = io.StringIO()
    for warning in comparison.warnings:
        text.write(f"# WARNING: {_FORMULA_INSIDE.sub('; ', ' '.join(warning.split()))}\n")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    for row in figure_rows(comparison):
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return text.getvalue()


def _inert(value: Any) -> Any:
    """A cell; words that a spreadsheet would take for a formula get an apostrophe before them."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else "" if value is None else value


def figure_rows(comparison: Comparison) -> Iterator[Row]:
    """The figures of every group and run."""
    for group in comparison.groups:
        for run, result, issue in zip(comparison.runs, group.results, comparison.timing_issues, strict=True):
            index = {
                "grouping": group.grouping,
                "group": group.name,
                "questions": group.questions,
                "videos": group.videos,
                "run": run.name,
                "run_id": run.run_id,
                "baseline": comparison.names[comparison.baseline],
            }
            for figure in (*_accuracy(result), *_costs(result, issue), *_memory(result), *_energy(result), *_signatures(result)):
                yield {**index, **figure}


def _accuracy(result: Result) -> Iterator[Row]:
    own, each = result.accuracy, result.accuracy.difference
    yield {"metric": "accuracy", "statistic": "mean", "unit": "share", **_estimate(own.estimate)}
    yield _plain("accuracy", "standard_error_lmms_eval", "share", own.standard_error_lmms_eval)
    yield _plain("accuracy", "with_failures_wrong", "share", own.with_failures_wrong)
    yield _plain("samples.answered", "count", "samples", own.answered)
    yield _plain("samples.failed", "count", "samples", own.failed)
    if each is None:
        return
    yield {"metric": "accuracy", "statistic": "difference", "unit": "share", **_estimate(each.estimate)}
    for name in ("p", "p_holm"):
        yield {**_plain("accuracy", name, "probability", getattr(each, name)), "how": each.test}
    yield _plain("accuracy", "smallest_detectable", "share", each.smallest_detectable)
    yield _plain("accuracy", "videos_differing", "videos", each.videos_differing)
    for name in ("won", "lost", "tied"):
        yield _plain("accuracy", name, "samples", getattr(each, name))


def _costs(result: Result, timing_issue: str | None) -> Iterator[Row]:
    for quantity in QUANTITIES:
        cost = result.costs[quantity.name]
        yield {"metric": quantity.name, "statistic": "median", "unit": quantity.unit, **_estimate(cost.median)}
        yield _plain(quantity.name, "p95", quantity.unit, cost.p95)
        yield _plain(quantity.name, "mean", quantity.unit, cost.mean)
        if cost.ratio is not None:
            marked = {"how": f"not comparable: {timing_issue}"} if timing_issue is not None and quantity.unit == "ms" else {}
            yield {"metric": quantity.name, "statistic": "ratio_median", "unit": "ratio", **_estimate(cost.ratio.median), **marked}
            yield {**_plain(quantity.name, "ratio_p95", "ratio", cost.ratio.p95), **marked}
            yield {"metric": quantity.name, "statistic": "ratio_of_totals", "unit": "ratio", **_estimate(cost.ratio.of_totals), **marked}


def _memory(result: Result) -> Iterator[Row]:
    memory = result.memory
    yield {**_plain("peak_memory_bytes", "max", "bytes", memory.peak_bytes), "how": memory.source}
    yield {**_plain("peak_memory_bytes", "ratio", "ratio", memory.ratio), "how": memory.ratio_of}
    yield _plain("peak_allocated_bytes", "max", "bytes", memory.torch_allocated_bytes)


def _energy(result: Result) -> Iterator[Row]:
    yield {**_plain("energy_joules", "total", "joules", result.energy.total_joules), "n": result.energy.n}
    yield {**_plain("energy_joules", "mean", "joules", result.energy.mean_joules), "n": result.energy.n}


def _signatures(result: Result) -> Iterator[Row]:
    for name in ADVICE:
        yield _plain(f"signature.{name}", "count", "samples", result.signatures.get(name, 0))


def _estimate(estimate: Any) -> Row:
    if estimate is None:
        return {}
    return {name: getattr(estimate, name) for name in ("value", "low", "high", "standard_error", "n", "clusters")}


def _plain(metric: str, statistic: str, unit: str, value: float | None) -> Row:
    return {"metric": metric, "statistic": statistic, "unit": unit, "value": value}
