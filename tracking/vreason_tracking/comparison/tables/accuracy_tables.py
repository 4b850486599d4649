"""Accuracy in tables: of all questions, and of every group."""

from __future__ import annotations

from collections.abc import Iterable

from vreason_tracking.comparison.comparison import Comparison, Result
from vreason_tracking.comparison.tables.result_rows import of_all, of_grouping
from vreason_tracking.presentation import Table, formatting, slug

_ACCURACY = ("accuracy", "95 % interval", "difference, points", "its 95 % interval", "p", "p (Holm)", "detectable", "won", "lost")
_SPARSE = "Intervals are not adjusted; †: made by fewer than 10 videos that differ, and too narrow."


def accuracy_table(comparison: Comparison) -> Table:
    """Accuracy on all questions."""
    rows = [[name, *_answered(result), *_accuracy(result)] for name, result in of_all(comparison)]
    note = (
        f"Difference to {comparison.names[comparison.baseline]}, question by question. Questions about one video count as one cluster. "
        f"p by {_tests(result for _, result in of_all(comparison))}, Holm over the runs. "
        f"Detectable: the difference that 80 % of comparisons with this spread find. {_SPARSE}"
    )
    return Table("accuracy", "Accuracy", ["run", "answered", "failed", *_ACCURACY], rows, note=note)


def accuracy_by(comparison: Comparison, grouping: str) -> Table:
    """Accuracy on every group of a grouping."""
    rows = [
        [group.name, name, f"{group.questions:,}", f"{group.videos:,}", *_accuracy(result)]
        for group, name, result in of_grouping(comparison, grouping)
    ]
    tests = _tests(result for *_, result in of_grouping(comparison, grouping))
    note = f"p by {tests}, Holm over all comparisons of this table (a benchmark's acc and MRA by themselves). {_SPARSE}"
    heads = [grouping, "run", "questions", "videos", *_ACCURACY]
    return Table(slug(f"accuracy by {grouping}"), f"Accuracy by {grouping}", heads, rows, 2, note)


def _tests(results: Iterable[Result]) -> str:
    tests = dict.fromkeys(each.accuracy.difference.test for each in results if each.accuracy.difference)
    return " and ".join(tests) or "no test"


def _answered(result: Result) -> list[str]:
    return [f"{result.accuracy.answered:,}", f"{result.accuracy.failed:,}"]


def _accuracy(result: Result) -> list[str]:
    accuracy = result.accuracy
    interval = formatting.percent_interval(accuracy.estimate) + (" †" if accuracy.sparse else "")
    own = [formatting.percent(accuracy.estimate.value if accuracy.estimate else None), interval]
    each = accuracy.difference
    if each is None:
        return [*own, *[formatting.NONE] * (len(_ACCURACY) - len(own))]
    detectable = formatting.points(each.smallest_detectable).lstrip("+")
    difference = [formatting.points(each.estimate.value), formatting.points_interval(each.estimate) + (" †" if each.sparse else "")]
    p = [formatting.p_value(each.p), formatting.p_value(each.p_holm)]
    return [*own, *difference, *p, detectable, f"{each.won:,}", f"{each.lost:,}"]
