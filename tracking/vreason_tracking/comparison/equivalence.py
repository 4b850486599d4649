"""Is a run no worse than the baseline, or as good: two one-sided tests (TOST; Schuirmann 1987) of the paired difference in accuracy.

    no worse    the lower limit of the one-sided 95 % interval is above -margin
    equivalent  that, and the upper limit is below +margin: the 90 % interval lies within the margin

"No difference is shown" is not "as good": with few questions nothing is ever shown. Here the burden is on the run.
"""

from __future__ import annotations

from dataclasses import dataclass

from vreason_tracking.comparison.accuracy import Difference
from vreason_tracking.statistics import estimates

CONFIDENCE = 0.95
"""Of each of the two one-sided tests."""
MARGIN = 0.02
"""Accuracy that may be lost, as a share, where nobody says otherwise: two points."""


@dataclass(frozen=True)
class Equivalence:
    """What the difference leaves room for.

    Attributes:
        margin: as a share of 1.
        difference: of the accuracies, the run's less the baseline's.
        low, high: limits of its one-sided 95 % intervals, that is its 90 % interval; None from a single video.
        sparse: fewer than 10 videos differ, yet some do: the limits are too narrow.
    """

    margin: float
    difference: float
    low: float | None
    high: float | None
    sparse: bool

    @property
    def no_worse(self) -> bool:
        """Whether the run can be taken for no worse than the baseline by more than the margin."""
        return self.low is not None and self.low > -self.margin and not self.sparse

    @property
    def equivalent(self) -> bool:
        """Whether it can be taken for as good, neither worse nor better by more than the margin."""
        return self.no_worse and self.high is not None and self.high < self.margin


def equivalence(difference: Difference, margin: float = MARGIN) -> Equivalence:
    """Test in both directions whether a run differs from the baseline by less than the margin.

    Where no question came out differently the standard error is 0 and says nothing: then the limits are the exact ones of a share of videos
    that would differ, of which none was seen (Clopper and Pearson 1934, one-sided).

    Raises:
        ValueError: the margin is not above 0 and at most 1.
    """
    if not 0 < margin <= 1:
        raise ValueError(f"margin: {margin} is not above 0 and at most 1, as a share of the questions")
    estimate = difference.estimate
    if estimate.standard_error is None:
        return Equivalence(margin, estimate.value, None, None, difference.sparse)
    if estimate.standard_error <= 1e-12:
        half = 1 - (1 - CONFIDENCE) ** (1 / estimate.clusters)
    else:
        half = estimates.t_quantile(estimate.clusters, CONFIDENCE) * estimate.standard_error
    return Equivalence(margin, estimate.value, max(-1.0, estimate.value - half), min(1.0, estimate.value + half), difference.sparse)
