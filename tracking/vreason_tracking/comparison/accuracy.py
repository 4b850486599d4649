"""How often each run is right, and how sure the difference to the baseline is, question by question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vreason_tracking.comparison.groups import Group
from vreason_tracking.comparison.paired_samples import Frame
from vreason_tracking.statistics import Codes, Estimate, estimates, significance

_SPARSE = 10  # videos

MCNEMAR, BOOTSTRAP = "exact McNemar", "wild cluster bootstrap"


@dataclass(frozen=True)
class Difference:
    """A run minus the baseline, on the questions that both answered.

    Attributes:
        estimate: mean difference of the scores, with its interval.
        won, lost, tied: questions on which the run scores higher, lower, the same.
        p: two-sided, of no difference; None from a single video.
        p_holm: adjusted for every comparison of its grouping (Holm).
        test: which one `p` is of.
        smallest_detectable: the difference that comparisons with this spread find in 80 % of cases; None where nothing differed, for that
            tells nothing of the spread.
        videos_differing: videos whose questions do not come out even; the others tell `p` nothing.
    """

    estimate: Estimate
    won: int
    lost: int
    tied: int
    p: float | None
    p_holm: float | None
    test: str
    smallest_detectable: float | None
    videos_differing: int

    @property
    def smallest_p(self) -> float:
        """What `p` can come to at least with so many videos differing: 1 with none."""
        return significance.smallest_p(self.videos_differing)

    @property
    def sparse(self) -> bool:
        """Fewer than 10 videos differ, yet some do: the interval is then too narrow."""
        return 0 < self.videos_differing < _SPARSE


@dataclass(frozen=True)
class Accuracy:
    """A run's accuracy on a group.

    Attributes:
        answered, failed: questions with a score, and those that ended in an error.
        estimate: mean score of the answered ones; None when there are none.
        standard_error_lmms_eval: as lmms-eval prints it, for comparison with its figures.
        with_failures_wrong: the mean score if every failure counts as wrong.
        sparse: some questions are wrong and some right, but those of one kind are about fewer than 10 videos: the interval is too narrow.
        difference: to the baseline; None for the baseline itself, and where no question was answered by both.
    """

    answered: int
    failed: int
    estimate: Estimate | None
    standard_error_lmms_eval: float | None
    with_failures_wrong: float
    sparse: bool
    difference: Difference | None


def accuracies(frame: Frame, group: Group, baseline: int) -> list[Accuracy]:
    """Of every run, in their order; p-values are not adjusted yet."""
    scores = frame.scores[group.members]
    codes = estimates.compact(frame.clusters[group.members])
    differences = scores - scores[:, [baseline]]
    p = significance.wild_cluster_bootstrap(differences, codes)
    return [_accuracy(scores, codes, run, baseline, float(p[run])) for run in range(scores.shape[1])]


def adjusted(groups: Sequence[list[Accuracy]]) -> list[list[Accuracy]]:
    """With `p_holm`, over all comparisons of these groups: those of one grouping."""
    p = [each.difference.p if each.difference else None for group in groups for each in group]
    holm = iter(significance.holm(p))
    return [[_with_holm(each, next(holm)) for each in group] for group in groups]


def _with_holm(accuracy: Accuracy, p_holm: float | None) -> Accuracy:
    return replace(accuracy, difference=replace(accuracy.difference, p_holm=p_holm)) if accuracy.difference else accuracy


def _accuracy(scores: NDArray[np.float64], codes: Codes, run: int, baseline: int, bootstrap_p: float) -> Accuracy:
    own = scores[:, run]
    present = ~np.isnan(own)
    answered = int(present.sum())
    values, clusters = own[present], estimates.compact(codes[present])
    return Accuracy(
        answered=answered,
        failed=len(own) - answered,
        estimate=estimates.mean(values, clusters) if answered else None,
        standard_error_lmms_eval=estimates.miller_standard_error(values, clusters) if answered else None,
        with_failures_wrong=float(values.sum() / len(own)),
        sparse=_is_sparse(values, clusters),
        difference=None if run == baseline else _difference(own, scores[:, baseline], codes, bootstrap_p),
    )


def _is_sparse(values: NDArray[np.float64], codes: Codes) -> bool:
    wrong, right = (len(np.unique(codes[side])) for side in (values < 1, values > 0))
    return 0 < min(wrong, right) < _SPARSE


def _difference(own: NDArray[np.float64], base: NDArray[np.float64], codes: Codes, bootstrap_p: float) -> Difference | None:
    both = ~np.isnan(own) & ~np.isnan(base)
    if not both.any():
        return None
    own, base, codes = own[both], base[both], estimates.compact(codes[both])
    differences = own - base
    estimate = estimates.mean(differences, codes, (-1.0, 1.0))
    won, lost = int((differences > 0).sum()), int((differences < 0).sum())
    binary = significance.is_right_or_wrong(own) and significance.is_right_or_wrong(base)
    exact = binary and estimate.clusters == len(differences)
    p = significance.mcnemar(won, lost) if exact else bootstrap_p
    return Difference(
        estimate=estimate,
        won=won,
        lost=lost,
        tied=len(differences) - won - lost,
        p=None if estimate.clusters < 2 else p,
        p_holm=None,
        test=MCNEMAR if exact else BOOTSTRAP,
        smallest_detectable=_detectable(estimate),
        videos_differing=int((np.abs(np.bincount(codes, differences)) > 1e-12).sum()),
    )


def _detectable(estimate: Estimate) -> float | None:
    if estimate.standard_error is None or estimate.standard_error <= 1e-12:
        return None
    return min(estimates.smallest_detectable(estimate.standard_error, estimate.clusters), 1.0)
