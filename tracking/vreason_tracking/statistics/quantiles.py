"""Medians, 95th percentiles and ratios with cluster-robust intervals.

A quantile's interval is Woodruff's (1952): the cluster-robust interval of the share of values that lie at or below it, read back through
the values' own distribution. It needs no density and no bootstrap. It can reach no further than the smallest
and the greatest value; so there is none from fewer clusters than it takes for these to enclose the quantile at 95 %: 6 for the median, 72
for the 95th percentile.

    ratio of totals R = sum y / sum x,   SE = sqrt(G / (G - 1) * sum_c (sum_{i in c} (y_i - R x_i))^2) / sum x     (linearised)
"""

from __future__ import annotations

import numpy as np

from vreason_tracking.statistics.estimates import Codes, Estimate, Values, count_of, interval, standard_error, unseen_share


def quantile(values: Values, codes: Codes, share: float) -> Estimate:
    """A quantile (linear interpolation) of at least one value, with Woodruff's interval.

    Args:
        values: shape (n,).
        codes: the cluster of each, from 0 without gaps, shape (n,).
        share: 0.5 for the median.

    Raises:
        ValueError: see `estimates.count_of`.
    """
    clusters, value = count_of(codes, values), float(np.quantile(values, share))
    below = (values <= value).astype(np.float64)
    error = standard_error(below - below.mean(), codes)
    if error is None or not unseen_share(clusters) <= share <= 1 - unseen_share(clusters):
        return Estimate(value, None, None, None, len(values), clusters)
    low, high = np.quantile(values, interval(share, error, clusters, (0.0, 1.0)))
    return Estimate(value, float(low), float(high), None, len(values), clusters)


def ratio_of_totals(above: Values, below: Values, codes: Codes) -> Estimate | None:
    """sum(above) / sum(below) over pairs, with its interval; None where the sum below is 0.

    Args:
        above, below: of the same questions, shape (n,).
        codes: the cluster of each, from 0 without gaps, shape (n,).

    Raises:
        ValueError: see `estimates.count_of`.
    """
    clusters, total = count_of(codes, above, below), float(below.sum())
    if not total:
        return None
    ratio = float(above.sum()) / total
    error = standard_error(above - ratio * below, codes, total)
    if error is None:
        return Estimate(ratio, None, None, None, len(above), clusters)
    low, high = interval(ratio, error, clusters, None)
    return Estimate(ratio, max(low, 0.0), high, error, len(above), clusters)
