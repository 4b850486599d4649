"""What may be said of each run in one sentence, and what may not."""

from __future__ import annotations

from collections.abc import Sequence

from vreason_tracking.comparison.accuracy import Difference
from vreason_tracking.comparison.comparison import Comparison, Result
from vreason_tracking.presentation import p_value, points, points_interval, ratio, ratio_interval

SIGNIFICANT = 0.05

FEW_RUNS = 8
"""Sentences that one reads; beside more of them a sentence on all is wanted, see `in_short`."""


def verdicts(comparison: Comparison) -> Sequence[str]:
    """One sentence a run but the baseline, over all questions; it begins with the run's name and a colon."""
    base = comparison.names[comparison.baseline]
    results = comparison.groups[0].results
    others = len(results) - 1
    return [
        _verdict(name, base, result, others, comparison.timing_issues[index])
        for index, (name, result) in enumerate(zip(comparison.names, results, strict=True))
        if index != comparison.baseline
    ]


def in_short(comparison: Comparison) -> str:
    """One sentence on all runs but the baseline, over all questions."""
    base = comparison.names[comparison.baseline]
    better: list[str] = []
    worse: list[str] = []
    for name, result in zip(comparison.names, comparison.groups[0].results, strict=True):
        difference = result.accuracy.difference
        if difference is not None and difference.p_holm is not None and difference.p_holm < SIGNIFICANT:
            (better if difference.estimate.value > 0 else worse).append(name)
    others = len(comparison.names) - 1
    rest = others - len(better + worse)
    return f"Of {others} runs, better than {base}: {_named(better)}; worse: {_named(worse)}; no difference is shown for {rest}."


def _named(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"


def _verdict(name: str, base: str, result: Result, comparisons: int, timing_issue: str | None) -> str:
    difference = result.accuracy.difference
    if difference is None:
        return f"{name}: no question was answered both by it and by {base}."
    return f"{name}: {_accuracy(difference, base, comparisons)}; {_costs(result, timing_issue)}."


def _accuracy(difference: Difference, base: str, comparisons: int) -> str:
    estimate = difference.estimate
    told = f"{points(estimate.value)} points ({points_interval(estimate)})"
    if difference.p_holm is None:
        return f"{told} against {base}, from a single video: nothing can be concluded"
    if difference.p_holm < SIGNIFICANT:
        return f"{'better' if estimate.value > 0 else 'worse'} than {base} by {told}, {_p(difference)}"
    if not difference.won + difference.lost:
        most = points(estimate.high).lstrip("+")
        return f"no question came out differently from {base}; a difference of up to {most} points cannot be excluded"
    shown = f"no difference to {base} is shown: {told}, {_p(difference)}"
    least = min(1.0, difference.smallest_p * comparisons)
    if least > SIGNIFICANT:
        return f"{shown}; only {difference.videos_differing} video(s) differ, and with so few p (Holm) cannot be below {p_value(least)}"
    found = points(difference.smallest_detectable).lstrip("+")
    return f"{shown}; one below {found} points would usually not be found with these questions"


def _p(difference: Difference) -> str:
    """The p value and the adjusted one, where they differ: an interval without 0 beside an adjusted p alone would look like a slip."""
    p, holm = p_value(difference.p), p_value(difference.p_holm)
    told = p if p == holm else f"{p}, {holm} after Holm"
    return f"p {told}" if told.startswith("<") else f"p = {told}"


def _costs(result: Result, timing_issue: str | None) -> str:
    told = []
    for name, title in (("output_tokens", "total tokens"), ("latency_ms", "total time")):
        if name == "latency_ms" and timing_issue is not None:
            told.append(f"times not comparable ({timing_issue})")
            continue
        costs = result.costs[name].ratio
        total = costs.of_totals if costs else None
        told.append(f"{title} {ratio(total.value)} ({ratio_interval(total)})" if total else f"{title} not known")
    return ", ".join(told)
