"""Means with cluster-robust intervals: questions about one video stand or fall together and count as one cluster.

    SE^2 = G / (G - 1) * sum_c (sum_{i in c} (s_i - mean))^2 / n^2        interval: mean +- t(0.975, G - 1) * SE

n questions in G clusters. This is the cluster-robust variance of a mean with its small-sample factor (CR1; Liang and Zeger 1986,
Cameron and Miller 2015). lmms-eval prints Miller's (arXiv 2411.00640, equation 4), which has no such factor: see `miller_standard_error`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Codes = NDArray[np.int64]

LEVEL = 0.95
POWER = 0.80


@dataclass(frozen=True)
class Estimate:
    """A figure and how sure it is.

    Attributes:
        value: the estimate.
        low, high: its 95 % interval; None where there is none, as from a single cluster.
        standard_error: cluster-robust; None from a single cluster.
        n, clusters: how many values, of how many clusters.
    """

    value: float
    low: float | None
    high: float | None
    standard_error: float | None
    n: int
    clusters: int


def codes_of(names: NDArray[np.generic] | list[str]) -> Codes:
    """Clusters by name as numbers from 0, shape (n,)."""
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)


def compact(codes: Codes) -> Codes:
    """Cluster numbers without gaps, for the same clusters: a part of the questions may leave some out."""
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def count_of(codes: Codes, *columns: Values) -> int:
    """How many clusters there are.

    Raises:
        ValueError: there is no value, or a column is not as long as the codes or not all finite numbers, or the codes have gaps.
    """
    if not len(codes):
        raise ValueError("codes: there is none; an estimate needs at least one value")
    if any(len(column) != len(codes) or not np.isfinite(column).all() for column in columns):
        raise ValueError(f"values: {len(codes)} finite numbers are needed, one a code; leave out what is missing, and its code")
    if codes.min() < 0 or not np.bincount(codes).all():
        raise ValueError("codes: they do not go from 0 without gaps; number them anew with `compact`")
    return int(codes.max()) + 1


def mean(values: Values, codes: Codes, bounds: tuple[float, float] | None = (0.0, 1.0)) -> Estimate:
    """The mean of at least one value with its interval.

    Args:
        values: shape (n,).
        codes: the cluster of each, from 0 without gaps, shape (n,).
        bounds: what a value can be at all; the interval ends there. None: anything.

    Raises:
        ValueError: see `count_of`.
    """
    clusters, center = count_of(codes, values), float(values.mean())
    error = standard_error(values - center, codes)
    if error is None:
        return Estimate(center, None, None, None, len(values), clusters)
    low, high = interval(center, error, clusters, bounds)
    return Estimate(center, low, high, error, len(values), clusters)


def standard_error(residuals: Values, codes: Codes, total: float | None = None) -> float | None:
    """CR1 of a mean, from what is left of each value without it; None from fewer than two clusters.

    Args:
        residuals: shape (n,); they sum to 0.
        codes: clusters, shape (n,).
        total: what the sum is divided by; n unless given.

    Raises:
        ValueError: see `count_of`.
    """
    clusters = count_of(codes, residuals)
    if clusters < 2:
        return None
    sums = np.bincount(codes, residuals)
    return float(np.sqrt(clusters / (clusters - 1) * (sums @ sums)) / (len(residuals) if total is None else total))


def miller_standard_error(values: Values, codes: Codes) -> float | None:
    """Clustered standard error as lmms-eval prints it (Miller, arXiv 2411.00640, equation 4); None from fewer than two values.

    SE^2 = var(s, ddof=1) / n + 1 / n^2 * sum_c sum_{i != j in c} (s_i - mean)(s_j - mean)
    """
    n = len(values)
    if n < 2:
        return None
    deviations = values - values.mean()
    sums, squares = np.bincount(codes, deviations), deviations @ deviations
    return float(np.sqrt(max(squares / (n - 1) / n + (sums @ sums - squares) / n**2, 0.0)))


def interval(center: float, error: float, clusters: int, bounds: tuple[float, float] | None) -> tuple[float, float]:
    """The 95 % interval of a mean, from Student's t with G - 1 degrees of freedom.

    Where no two values differ the standard error is 0 and says nothing: 48 right answers of 48 do not prove 100 %. Then the interval is the
    exact one (Clopper and Pearson 1934) for a share of clusters that would be otherwise, of which none was seen, each as far off as
    `bounds` allows.
    """
    if bounds is None:
        return center - t_quantile(clusters) * error, center + t_quantile(clusters) * error
    least, most = bounds
    if error <= 1e-12:
        unseen = unseen_share(clusters)
        return center - (center - least) * unseen, center + (most - center) * unseen
    half = t_quantile(clusters) * error
    return max(center - half, least), min(center + half, most)


def unseen_share(clusters: int) -> float:
    """The greatest share of clusters that can be otherwise when none of these was, at 95 % on two sides."""
    return float(1 - ((1 - LEVEL) / 2) ** (1 / clusters))


def t_quantile(clusters: int, share: float = (1 + LEVEL) / 2) -> float:
    """Student's t with G - 1 degrees of freedom.

    Raises:
        ValueError: there are fewer than two clusters.
    """
    from scipy.special import stdtrit

    if clusters < 2:
        raise ValueError(f"clusters: {clusters}; Student's t needs two at least")
    return float(stdtrit(clusters - 1, share))


def smallest_detectable(error: float, clusters: int) -> float:
    """The difference that such a comparison finds in 80 % of cases at the 5 % level (Miller, section 5)."""
    return (t_quantile(clusters) + t_quantile(clusters, POWER)) * error
