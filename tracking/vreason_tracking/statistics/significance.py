"""Whether two variants differ on the same questions.

Right or wrong, every question about a video of its own: McNemar's exact test. Else, with several questions a video or scores between 0 and
1: the wild cluster bootstrap-t with the null imposed (Cameron, Gelbach and Miller 2008): the differences of a whole video keep or change
their sign together,

    t* = sum_c w_c D_c / sqrt(sum_c (w_c D_c - n_c d*)^2),   w_c = +-1,   D_c = sum_{i in c} d_i,   d* = sum_c w_c D_c / n

and p is the share of t* that are as far from 0 as t. Up to 13 videos all signs are gone through; beyond, a fixed seed draws 9,999, so that
the same runs give the same p.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vreason_tracking.statistics.estimates import Codes, Values

DRAWS = 9_999
_ENUMERATED = 13  # clusters; 8,192 ways
_SEED = 20_251_017
_CHUNK = 512  # draws in memory at once
_ROUNDING = 1e-9  # of t: draws that are equal but for it are as far from 0


def is_right_or_wrong(scores: Values) -> bool:
    """Whether every score is 0 or 1."""
    return bool(np.all((scores == 0.0) | (scores == 1.0)))


def mcnemar(won: int, lost: int) -> float:
    """Exact two-sided p of McNemar's test: `won` and `lost` are the questions on which the two differ."""
    from scipy.special import bdtr

    return float(min(1.0, 2 * bdtr(min(won, lost), won + lost, 0.5))) if won + lost else 1.0


def wild_cluster_bootstrap(differences: NDArray[np.float64], codes: Codes) -> NDArray[np.float64]:
    """p of each column's mean difference being 0, shape (V,).

    Args:
        differences: of V variants to the baseline on n questions, NaN where a pair is not complete, shape (n, V).
        codes: the cluster of each question, from 0, shape (n,); clusters without any pair count for nothing.

    Raises:
        ValueError: a difference is infinite.
    """
    if np.isinf(differences).any():
        raise ValueError("differences: one is infinite; give a number, or NaN where a pair is not complete")
    sums, counts = _by_cluster(differences, codes)
    present, p = (counts > 0).sum(0), np.ones(differences.shape[1])
    for clusters in np.unique(present):
        those = np.flatnonzero(present == clusters)
        p[those] = _share_as_far(*_in_order(sums[:, those], counts[:, those], int(clusters)))
    return p


def _by_cluster(differences: NDArray[np.float64], codes: Codes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """D_c, in units of each column's greatest difference so that no square leaves the range of floats, and n_c; shape (G, V)."""
    clusters, present = int(codes.max()) + 1 if len(codes) else 0, ~np.isnan(differences)
    filled = np.where(present, differences, 0.0)
    greatest = np.abs(filled).max(0, initial=0.0)
    filled = filled / np.where(greatest > 0, greatest, 1.0)
    sums, counts = np.zeros((clusters, filled.shape[1])), np.zeros((clusters, filled.shape[1]))
    for column in range(filled.shape[1]):
        sums[:, column] = np.bincount(codes, filled[:, column], clusters)
        counts[:, column] = np.bincount(codes, present[:, column], clusters)
    return sums, counts


def _in_order(sums: NDArray[np.float64], counts: NDArray[np.float64], clusters: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The clusters that have a pair, by size and distance from 0: which draw is whose then hangs on no name, nor on another column.

    Size comes first: where distances are equal but for rounding, clusters that change places are equal.
    """
    order = np.lexsort((np.abs(sums), counts), axis=0)[len(sums) - clusters :]
    return np.take_along_axis(sums, order, 0), np.take_along_axis(counts, order, 0)


def _share_as_far(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """p of each column, all of as many clusters, shape (V,)."""
    observed = _squared_t(np.ones((1, len(sums))), sums, counts)[0]
    drawn, as_far, distances = 0, np.zeros(sums.shape[1]), np.abs(sums)
    for signs in _signs(len(sums)):
        found = _squared_t(signs, distances, counts)
        as_far += (found >= observed * (1 - _ROUNDING)).sum(0)
        drawn += len(signs)
    p: NDArray[np.float64] = as_far / drawn if len(sums) <= _ENUMERATED else (1 + as_far) / (1 + drawn)
    return p


def _squared_t(signs: NDArray[np.float64], sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """t* squared, but for a factor that is the same in all draws, shape (draws, V); infinite where nothing varies."""
    total, n = signs @ sums, counts.sum(0)
    center = total / np.maximum(n, 1)
    spread = (sums**2).sum(0) - 2 * center * (signs @ (sums * counts)) + center**2 * (counts**2).sum(0)
    rounding = 1e-12 * (sums**2).sum(0)
    with np.errstate(divide="ignore"):
        ratio: NDArray[np.float64] = np.where(spread > rounding, total**2 / np.where(spread > rounding, spread, 1.0), np.inf)
    return np.where(total**2 > rounding, ratio, 0.0)


def _signs(clusters: int) -> Iterator[NDArray[np.float64]]:
    """The draws of w, some rows at a time, shape (draws, G)."""
    if clusters <= _ENUMERATED:
        numbers = np.arange(2**clusters)[:, None]
        yield (numbers >> np.arange(clusters) & 1).astype(np.float64) * 2 - 1
        return
    random, left = np.random.default_rng(_SEED), DRAWS
    while left:
        rows = min(_CHUNK, left)
        bits = np.frombuffer(random.bytes(rows * (-(-clusters // 8))), np.uint8).reshape(rows, -1)
        yield np.unpackbits(bits, axis=1, count=clusters).astype(np.float64) * 2 - 1
        left -= rows


def smallest_p(clusters: int) -> float:
    """The smallest p that the bootstrap can come to: all videos differ in one direction, and one sign pattern in 2^G is as far off."""
    return max(2.0 ** (1 - clusters), 1 / (DRAWS + 1)) if clusters else 1.0


def holm(p: list[float | None]) -> list[float | None]:
    """p-values adjusted for their number (Holm 1979), in the same places; None stays None and does not count.

    Raises:
        ValueError: one is not between 0 and 1.
    """
    present = [value for value in p if value is not None]
    if not all(0 <= value <= 1 for value in present):
        raise ValueError(f"p: {present} are not all between 0 and 1; give None where there is no test")
    order = np.argsort(present, kind="stable")
    adjusted = np.empty(len(present))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.array(present)[order] * np.arange(len(present), 0, -1)), 1.0)
    places = iter(adjusted.tolist())
    return [None if value is None else next(places) for value in p]
