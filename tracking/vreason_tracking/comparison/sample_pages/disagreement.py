"""Which of the compared samples are worth looking at one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.paired_samples import Matrix


def most_informative(comparison: Comparison, most: int) -> list[str]:
    """Ids of at most `most` samples, the ones that tell most about the runs first.

    First those on which runs differ, in the order of how far from the baseline, one that is won and one that is lost in turn; then those
    that failed, then those that every run has wrong, then the others. Equal ones stand by their ids, so that the same runs give the same
    list.
    """
    scores = comparison.frame.scores
    order = [*_differing(scores, comparison.baseline), *_alike(scores)]
    return [comparison.frame.ids[index] for index in dict.fromkeys(order)][: max(0, most)]


def _differing(scores: Matrix, baseline: int) -> list[int]:
    """Rows on which two runs have different scores; those of which the baseline failed come last."""
    against = np.nan_to_num(scores - scores[:, [baseline]])
    won, lost = against.clip(min=0).sum(1), (-against).clip(min=0).sum(1)
    better, worse = (won > 0) & (won >= lost), lost > won
    both = _in_turn(_most_first(better, won), _most_first(worse, lost))
    spread = _spread(scores)
    return [*both, *_most_first((spread > 0) & ~better & ~worse, spread)]


def _alike(scores: Matrix) -> list[int]:
    """All rows: failed ones first, then wrong ones, then the rest."""
    failures = np.isnan(scores).sum(1)
    total = np.nansum(scores, axis=1)
    wrong = (failures == 0) & (scores < 1).all(1)
    rest = (failures == 0) & ~wrong
    return [*_most_first(failures > 0, failures.astype(np.float64)), *_most_first(wrong, -total), *_most_first(rest, -total)]


def _most_first(members: NDArray[np.bool_], amount: NDArray[np.float64]) -> list[int]:
    places = np.flatnonzero(members)
    return [int(index) for index in places[np.argsort(-amount[places], kind="stable")]]


def _in_turn(first: list[int], second: list[int]) -> list[int]:
    both = min(len(first), len(second))
    return [index for pair in zip(first, second, strict=False) for index in pair] + first[both:] + second[both:]


def _spread(scores: Matrix) -> NDArray[np.float64]:
    """Greatest score less smallest, of the runs that answered."""
    known = ~np.isnan(scores)
    high, low = np.where(known, scores, -np.inf).max(1), np.where(known, scores, np.inf).min(1)
    spread: NDArray[np.float64] = np.where(known.any(1), high - low, 0.0)
    return spread
