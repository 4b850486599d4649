"""Runs beside each other: everything that the report says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from vreason.errors import TrackingError
from vreason_tracking.catalog import RecordedRun
from vreason_tracking.comparison import accuracy, comparability, costs
from vreason_tracking.comparison.accuracy import Accuracy
from vreason_tracking.comparison.caveats import Completeness, caveats
from vreason_tracking.comparison.comparability import Mismatch
from vreason_tracking.comparison.costs import QUANTITIES, Cost, Energy, Memory
from vreason_tracking.comparison.groups import Group
from vreason_tracking.comparison.measuring_conditions import in_one_process, timing_issues
from vreason_tracking.comparison.paired_samples import Frame, align
from vreason_tracking.comparison.paper import Measured, Paper, match_paper, method_of
from vreason_tracking.presentation import Table
from vreason_tracking.records import SCORING_TAG, SampleTable, read_samples


@dataclass(frozen=True)
class Result:
    """One run on one group.

    Attributes:
        accuracy, memory, energy: see there.
        costs: by quantity.
        signatures: samples by failure signature.
    """

    accuracy: Accuracy
    costs: Mapping[str, Cost]
    memory: Memory
    energy: Energy
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
class Comparison:
    """Runs side by side, group by group, with everything that a report says of them.

    Attributes:
        runs: in their order.
        baseline: place of the baseline among them.
        frame: the samples side by side.
        groups: results; the first group is all questions.
        completeness: one a run.
        warnings: what a reader must know before anything else; not empty when unlike runs were compared.
        unlike: in what runs that were compared by force are not alike.
        differences: in what the runs differ beside their methods, and may.
        paper: its own numbers.
        timing_issues: of each run, why its times do not compare with the baseline's; None where they do, and for the baseline.
        added_tables: of the user's own functions (see `added_tables`).
    """

    runs: Sequence[RecordedRun]
    baseline: int
    frame: Frame
    groups: Sequence[GroupResult]
    completeness: Sequence[Completeness]
    warnings: Sequence[str]
    unlike: Sequence[Mismatch]
    differences: Sequence[Mismatch]
    paper: Paper
    timing_issues: Sequence[str | None]
    added_tables: Sequence[Table] = ()

    @property
    def names(self) -> list[str]:
        """The runs' names."""
        return [run.name for run in self.runs]

    @property
    def scoring(self) -> str:
        """The scoring profile, or profiles."""
        return ", ".join(dict.fromkeys(run.tags.get(SCORING_TAG) or run.params.get("data.scoring", "not recorded") for run in self.runs))


def compare(
    runs: Sequence[RecordedRun], baseline: str | None = None, force: bool = False, notes: Sequence[str] = (), keys: Sequence[str] = ()
) -> Comparison:
    """Compare at least two runs.

    Args:
        runs: with their files.
        baseline: name or id of the run that the others are compared with; None takes the first whose method is none at all, else the first.
        force: compare what unlike runs have in common, with warnings.
        notes: what the reader should know of how the runs were chosen.
        keys: of the data file's own columns, by which questions are grouped too.

    Raises:
        IncomparableRunsError: the runs are not alike, have nothing in common, or lack a key.
        TrackingError: there are fewer than two, or no baseline of that name, or a record cannot be read.
        ValueError: two runs have the same name.
    """
    if len(runs) < 2:
        given = f"only {runs[0].name!r} ({runs[0].run_id})" if runs else "none"
        raise TrackingError(f"a comparison needs two runs at least, and there is {given}; name more, or see `vreason-track runs list`")
    return side_by_side(runs, baseline, force, notes, keys)


def side_by_side(
    runs: Sequence[RecordedRun], baseline: str | None = None, force: bool = False, notes: Sequence[str] = (), keys: Sequence[str] = ()
) -> Comparison:
    """Everything of one run or more; of a single one there is no difference to a baseline. Arguments and errors as in `compare`."""
    if len({run.name for run in runs}) < len(runs):
        raise ValueError(f"runs: names must differ, and these do not: {', '.join(run.name for run in runs)}; see `unique_names`")
    base = baseline_of(runs, baseline)
    tables = [read_samples(run.samples) for run in runs]
    unlike = comparability.unlike(runs, tables)
    if not force:
        comparability.require_like(unlike)
    frame = align(runs, tables, tuple(dict.fromkeys(keys)))
    groups = results(frame, base, in_one_process(runs, base))
    completeness = [_completeness(run, table, frame, index) for index, (run, table) in enumerate(zip(runs, tables, strict=True))]
    measured = [_by_benchmark(groups, index) for index in range(len(runs))]
    return Comparison(
        runs=runs,
        baseline=base,
        frame=frame,
        groups=groups,
        completeness=completeness,
        warnings=[*notes, *caveats(runs, unlike, completeness, frame, tables)],
        unlike=unlike,
        differences=comparability.known_differences(runs),
        paper=match_paper(runs, measured),
        timing_issues=timing_issues(runs, frame, base),
    )


def baseline_of(runs: Sequence[RecordedRun], wanted: str | None) -> int:
    """Place of the baseline.

    Raises:
        TrackingError: no run, or more than one, is called so.
    """
    if wanted is None:
        return next((index for index, run in enumerate(runs) if method_of(run) == "baseline"), 0)
    several = 0
    for fits in (
        [index for index, run in enumerate(runs) if wanted in (run.name, *run.ids)],
        [index for index, run in enumerate(runs) if wanted == run.variant],
        [index for index, run in enumerate(runs) if wanted and any(each.startswith(wanted) for each in run.ids)],
    ):
        if len(fits) == 1:
            return fits[0]
        several = several or len(fits)
    wrong = f"fits {several} of these runs" if several else "is not one of these runs"
    raise TrackingError(f"--baseline: {wanted!r} {wrong}; name one of: {', '.join(run.name for run in runs)}")


def results(frame: Frame, baseline: int, one_process: Sequence[bool]) -> list[GroupResult]:
    """Every group's results; `one_process` as in `costs.memories`."""
    parts = {quantity.name: costs.parts_of(quantity, frame) for quantity in QUANTITIES}
    found = []
    for _, grouping in groupby(frame.groups, key=lambda group: group.grouping):
        groups = list(grouping)
        for group, right in zip(groups, _rights(frame, groups, baseline), strict=True):
            spent = {each.name: costs.costs(parts[each.name], frame, group, baseline, each.weighted) for each in QUANTITIES}
            memories, energies = costs.memories(frame, group, baseline, one_process), costs.energies(frame, group)
            signatures = costs.signatures(frame, group)
            made = [
                Result(right[run], {name: each[run] for name, each in spent.items()}, memories[run], energies[run], signatures[run])
                for run in range(len(right))
            ]
            found.append(GroupResult(group.grouping, group.name, int(group.members.sum()), _videos(frame, group), made))
    return found


def _rights(frame: Frame, groups: Sequence[Group], baseline: int) -> list[list[Accuracy]]:
    """Accuracies of a grouping's groups, p-values adjusted over them; halves of benchmarks by themselves, for they are no new questions."""
    found = {group.name: accuracy.accuracies(frame, group, baseline) for group in groups}
    for part in (False, True):
        names = [group.name for group in groups if group.part == part]
        found |= dict(zip(names, accuracy.adjusted([found[name] for name in names]), strict=True))
    return [found[group.name] for group in groups]


def _videos(frame: Frame, group: Group) -> int:
    return len(np.unique(frame.clusters[group.members]))


def _completeness(run: RecordedRun, table: SampleTable, frame: Frame, index: int) -> Completeness:
    failed = int(np.isnan(frame.scores[:, index]).sum())
    missing = comparability.missing_of(run, table)
    return Completeness(run.expected_samples, len(table.ids), missing, frame.uncommon[index], failed, costs.errors(frame, index))


def _by_benchmark(groups: Sequence[GroupResult], run: int) -> dict[str, Measured]:
    found = {}
    for group in groups:
        result = group.results[run]
        estimate = result.accuracy.estimate
        if group.grouping == "benchmark" and estimate is not None:
            found[group.name] = Measured(estimate.value, estimate.n, estimate.low, estimate.high, result.costs["output_tokens"].mean)
    return found
