"""What may be said of a run's variants as soon as it has ended: differences to the baseline that are surer than their own width.

Made of the journal's samples alone, by the same rules as a comparison. An effect whose interval includes none at all is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vreason.errors import IncomparableRunsError
from vreason_tracking.catalog import Run, described_run
from vreason_tracking.comparison import accuracy, costs
from vreason_tracking.comparison.comparison import baseline_of
from vreason_tracking.comparison.costs import QUANTITIES
from vreason_tracking.comparison.measuring_conditions import timing_issues
from vreason_tracking.comparison.paired_samples import Frame, align
from vreason_tracking.records import samples_table
from vreason_tracking.statistics import Estimate


@dataclass(frozen=True)
class RunEffects:
    """A variant against the baseline.

    Attributes:
        accuracy: difference of the mean scores; None where it is not shown.
        ratios: by quantity ("output_tokens", "latency_ms", ...), the median of the questions' ratios; only those that are shown.
        timing_issue: why times do not compare; None where they do, and for the baseline.
    """

    accuracy: Estimate | None = None
    ratios: dict[str, Estimate] = field(default_factory=dict)
    timing_issue: str | None = None


def run_effects(runs: Sequence[Run]) -> tuple[int, list[RunEffects]]:
    """The place of the baseline among the runs, and of each run what is shown against it.

    Args:
        runs: variants of one call, known from the journal; at least one.

    Raises:
        TrackingError: a journal cannot be read.
    """
    described = [described_run(run) for run in runs]
    baseline = baseline_of(described, None)
    tables = [samples_table([entry.sample for entry in run.local.samples] if run.local else []) for run in runs]
    try:
        frame = align(described, tables)
    except IncomparableRunsError:  # nothing was answered by all of them
        return baseline, [RunEffects() for _ in runs]
    issues = timing_issues(described, frame, baseline)
    return baseline, [_effects(frame, run, baseline, issues[run]) for run in range(len(runs))]


def _effects(frame: Frame, run: int, baseline: int, issue: str | None) -> RunEffects:
    if run == baseline:
        return RunEffects()
    whole = frame.groups[0]
    difference = accuracy.accuracies(frame, whole, baseline)[run].difference
    ratios = {}
    for quantity in QUANTITIES:
        if quantity.unit == "share" or (issue is not None and quantity.unit == "ms"):
            continue
        ratio = costs.costs(costs.parts_of(quantity, frame), frame, whole, baseline)[run].ratio
        if ratio is not None and ratio.median is not None and _is_shown(ratio.median, 1.0):
            ratios[quantity.name] = ratio.median
    shown = difference.estimate if difference is not None and _is_shown(difference.estimate, 0.0) else None
    return RunEffects(shown, ratios, issue)


def _is_shown(estimate: Estimate, none: float) -> bool:
    """Whether the interval leaves out that there is no effect at all."""
    return estimate.low is not None and estimate.high is not None and not estimate.low <= none <= estimate.high
