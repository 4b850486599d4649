"""Runs beside each other: everything that the report says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from vreason.errors import TrackingError
from vreason_tracking.comparison import accuracy, costs, likeness
from vreason_tracking.comparison.accuracy import Accuracy
from vreason_tracking.comparison.costs import QUANTITIES, Cost, Memory
from vreason_tracking.comparison.frame import Frame, align
from vreason_tracking.comparison.groups import Group
from vreason_tracking.comparison.likeness import Unlikeness
from vreason_tracking.comparison.paper import Paper, beside, method_of
from vreason_tracking.comparison.recorded_run import RecordedRun
from vreason_tracking.comparison.sample_table import SampleTable, read_samples
from vreason_tracking.statistics.significance import smallest_p

FEW = 10
"""Videos below which a warning stands on the report."""
DOMINANT = 0.2
"""Share of the questions about one video above which a warning stands there."""


@dataclass(frozen=True)
class Result:
    """One run on one group.

    Attributes:
        accuracy, memory: see there.
        costs: by quantity.
        signatures: samples by failure signature.
    """

    accuracy: Accuracy
    costs: Mapping[str, Cost]
    memory: Memory
    signatures: Mapping[str, int]


@dataclass(frozen=True)
class GroupResult:
    """A group of questions.

    Attributes:
        grouping, name: see `groups.Group`.
        questions, videos: how many.
        results: one a run, in their order.
    """

    grouping: str
    name: str
    questions: int
    videos: int
    results: Sequence[Result]


@dataclass(frozen=True)
class Completeness:
    """How much of a run is compared.

    Attributes:
        asked: samples that it was begun to ask; None where nobody says.
        recorded: finished ones in its record.
        missing: asked and not recorded.
        left_out: recorded and not compared, because another run does not have them.
        failed: of those compared, the ones that ended in an error.
        errors: what they failed of, most frequent first, with counts.
    """

    asked: int | None
    recorded: int
    missing: int
    left_out: int
    failed: int
    errors: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Comparison:
    """All of it.

    Attributes:
        runs: in their order.
        baseline: place of the baseline among them.
        frame: the samples side by side.
        groups: results; the first group is all questions.
        completeness: one a run.
        warnings: what a reader must know before anything else; not empty when unlike runs were compared.
        differences: in what the runs differ beside their methods.
        paper: its own numbers.
    """

    runs: Sequence[RecordedRun]
    baseline: int
    frame: Frame
    groups: Sequence[GroupResult]
    completeness: Sequence[Completeness]
    warnings: Sequence[str]
    differences: Sequence[Unlikeness]
    paper: Paper

    @property
    def names(self) -> list[str]:
        """The runs' names."""
        return [run.name for run in self.runs]

    @property
    def scoring(self) -> str:
        """The scoring profile, or profiles."""
        return ", ".join(dict.fromkeys(run.tags.get("scoring") or run.params.get("data.scoring", "not recorded") for run in self.runs))


def compare(runs: Sequence[RecordedRun], baseline: str | None = None, force: bool = False, notes: Sequence[str] = ()) -> Comparison:
    """Compare at least two runs.

    Args:
        runs: with their files.
        baseline: name or id of the run that the others are compared with; None takes the first whose method is none at all, else the first.
        force: compare what unlike runs have in common, with warnings.
        notes: what the reader should know of how the runs were chosen.

    Raises:
        UnlikeRunsError: the runs are not alike, or have nothing in common.
        TrackingError: there are fewer than two, or no baseline of that name, or a record cannot be read.
        ValueError: two runs have the same name.
    """
    if len(runs) < 2:
        given = f"only {runs[0].name!r} ({runs[0].run_id})" if runs else "none"
        raise TrackingError(f"a comparison needs two runs at least, and there is {given}; name more, or see `vreason-track runs list`")
    if len({run.name for run in runs}) < len(runs):
        raise ValueError(f"runs: names must differ, and these do not: {', '.join(run.name for run in runs)}; see `unique_names`")
    base = baseline_of(runs, baseline)
    tables = [read_samples(run.samples) for run in runs]
    unlike = likeness.unlike(runs, tables)
    if not force:
        likeness.require_like(unlike)
    frame = align(runs, tables)
    groups = results(frame, base)
    completeness = [_completeness(run, table, frame, place) for place, (run, table) in enumerate(zip(runs, tables, strict=True))]
    measured = [_by_benchmark(groups, place) for place in range(len(runs))]
    return Comparison(
        runs=runs,
        baseline=base,
        frame=frame,
        groups=groups,
        completeness=completeness,
        warnings=[*notes, *_warnings(runs, unlike, completeness, frame, tables)],
        differences=likeness.noted(runs),
        paper=beside(runs, measured),
    )


def baseline_of(runs: Sequence[RecordedRun], wanted: str | None) -> int:
    """Place of the baseline.

    Raises:
        TrackingError: no run, or more than one, is called so.
    """
    if wanted is None:
        return next((place for place, run in enumerate(runs) if method_of(run) == "baseline"), 0)
    several = 0
    for fits in (
        [place for place, run in enumerate(runs) if wanted in (run.name, *run.ids)],
        [place for place, run in enumerate(runs) if wanted == run.variant],
        [place for place, run in enumerate(runs) if wanted and any(each.startswith(wanted) for each in run.ids)],
    ):
        if len(fits) == 1:
            return fits[0]
        several = several or len(fits)
    wrong = f"fits {several} of these runs" if several else "is not one of these runs"
    raise TrackingError(f"--baseline: {wanted!r} {wrong}; name one of: {', '.join(run.name for run in runs)}")


def results(frame: Frame, baseline: int) -> list[GroupResult]:
    """Every group's results."""
    parts = {quantity.name: costs.parts_of(quantity, frame) for quantity in QUANTITIES}
    found = []
    for _, grouping in groupby(frame.groups, key=lambda group: group.grouping):
        groups = list(grouping)
        rights = accuracy.adjusted([accuracy.accuracies(frame, group, baseline) for group in groups])
        for group, right in zip(groups, rights, strict=True):
            spent = {name: costs.costs(each, frame, group, baseline) for name, each in parts.items()}
            memories, signatures = costs.memories(frame, group, baseline), costs.signatures(frame, group)
            made = [
                Result(right[run], {name: each[run] for name, each in spent.items()}, memories[run], signatures[run])
                for run in range(len(right))
            ]
            found.append(GroupResult(group.grouping, group.name, int(group.members.sum()), _videos(frame, group), made))
    return found


def _videos(frame: Frame, group: Group) -> int:
    return len(np.unique(frame.clusters[group.members]))


def _completeness(run: RecordedRun, table: SampleTable, frame: Frame, place: int) -> Completeness:
    failed = int(np.isnan(frame.scores[:, place]).sum())
    missing = likeness.missing_of(run, table)
    return Completeness(run.asked, len(table.ids), missing, frame.uncommon[place], failed, costs.errors(frame, place))


def _by_benchmark(groups: Sequence[GroupResult], run: int) -> dict[str, tuple[float, int]]:
    found = {}
    for group in groups:
        estimate = group.results[run].accuracy.estimate
        if group.grouping == "benchmark" and estimate is not None:
            found[group.name] = (estimate.value, estimate.n)
    return found


def _warnings(
    runs: Sequence[RecordedRun],
    unlike: Sequence[Unlikeness],
    completeness: Sequence[Completeness],
    frame: Frame,
    tables: Sequence[SampleTable],
) -> list[str]:
    found = []
    if unlike:
        found.append("UNLIKE RUNS, compared because --force was given: differences below may come from what follows, not from the method.")
        found += [f"differs: {each}" for each in unlike]
        every = len({key for table in tables for key in zip(table.ids, table.asked, strict=True)})
        found.append(f"compared are the {len(frame.ids):,} questions that all runs have, of {every:,}.")
    for run, each in zip(runs, completeness, strict=True):
        if each.missing:
            found.append(f"{run.name}: {each.missing:,} of the questions that it was to ask are missing in its record.")
        if each.left_out:
            found.append(f"{run.name}: {each.left_out:,} of its questions are left out, for another run does not have them.")
        if each.failed:
            what = "accuracy is over the answered ones, a difference over those that both answered"
            found.append(f"{run.name}: {each.failed:,} of {len(frame.ids):,} questions failed; {what}.")
    return [*found, *_about_videos(frame, len(runs) - 1)]


def _about_videos(frame: Frame, comparisons: int) -> list[str]:
    """What intervals and p-values cannot make good."""
    found = []
    least = smallest_p(frame.videos) * comparisons
    if least > 0.05:
        reach = f"with {frame.videos} of them and {comparisons} comparison(s) no p (Holm) is below {min(least, 1.0):.2g}"
        found.append(f"too few videos to tell: {reach}.")
    elif frame.videos < FEW:
        found.append(f"only {frame.videos} videos: intervals and p-values from so few are rough.")
    most = float(np.bincount(frame.clusters).max()) / len(frame.ids)
    if most > DOMINANT and frame.videos > 1:
        found.append(f"one video has {most:.0%} of the questions: intervals are too narrow for that, p-values are not.")
    return found
