"""Medians, 95th percentiles and ratios with cluster-robust intervals.

A quantile's interval is Woodruff's (1952): the cluster-robust interval of the share of values that lie at or below it, read back through
the values' own distribution. It needs no density and no bootstrap. It can reach no further than the smallest and the greatest value; so
there is none from fewer clusters than it takes for these to enclose the quantile at 95 %: 6 for the median, 72 for the 95th percentile.

    ratio of rates R = (A / B) / (C / D), totals of a, b, c, d over the same questions; its logarithm is linearised:
    SE(log R) = sqrt(G / (G - 1) * sum_c (sum_{i in c} (a_i / A - b_i / B - c_i / C + d_i / D))^2)
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
    if clusters < 2 or not unseen_share(clusters) <= share <= 1 - unseen_share(clusters):
        return Estimate(value, None, None, None, len(values), clusters)
    # where many values are equal, nearly all may lie at or below it, or nearly none below: the side that varies more counts
    error = max(standard_error(side - side.mean(), codes) or 0.0 for side in (values <= value, values < value))
    low, high = np.quantile(values, interval(share, error, clusters, (0.0, 1.0)))
    return Estimate(value, float(low), float(high), None, len(values), clusters)


def ratio_of_rates(own: tuple[Values, Values], base: tuple[Values, Values], codes: Codes) -> Estimate | None:
    """A rate of totals (milliseconds over tokens, say) over the same rate of a baseline, with its interval.

    Args:
        own, base: what is above and below the fraction, of the same questions, shape (n,) each.
        codes: the cluster of each, from 0 without gaps, shape (n,).

    Returns:
        The ratio, None where the baseline's rate or a total below is 0; without an interval where it is 0 itself, or from a single cluster.

    Raises:
        ValueError: see `estimates.count_of`.
    """
    clusters = count_of(codes, *own, *base)
    totals = [float(values.sum()) for values in (*own, *base)]
    if not all(totals[1:]):
        return None
    ratio = totals[0] / totals[1] / (totals[2] / totals[3])
    if not ratio:
        return Estimate(ratio, None, None, None, len(codes), clusters)
    shares = [values / total for values, total in zip((*own, *base), totals, strict=True)]
    error = standard_error(shares[0] - shares[1] - shares[2] + shares[3], codes, 1.0)
    if error is None:
        return Estimate(ratio, None, None, None, len(codes), clusters)
    low, high = np.exp(interval(float(np.log(ratio)), error, clusters, None))
    return Estimate(ratio, float(low), float(high), ratio * error, len(codes), clusters)
