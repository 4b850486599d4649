"""Tests of a difference: equal to scipy, statsmodels and a plain enumeration, and the same whatever stands beside."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from vreason_tracking.statistics.estimates import Codes, Values, mean
from vreason_tracking.statistics.significance import holm, is_right_or_wrong, mcnemar, wild_cluster_bootstrap


def p_of(differences: Values, codes: Codes) -> float:
    """Of one column."""
    return float(wild_cluster_bootstrap(differences[:, None], codes)[0])


def drawn(seed: int, clusters: int) -> tuple[Values, Codes]:
    """Differences of fractional (odd seeds) or binary scores, videos of 1 to 7 questions in mixed order."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.repeat(np.arange(clusters), random.integers(1, 8, clusters)))
    differences = 0.15 + 0.5 * random.standard_normal(clusters)[codes] + 0.5 * random.standard_normal(len(codes))
    return np.clip(differences, -1, 1) if seed % 2 else np.sign(np.round(differences)), codes


def absolute_t(differences: list[float], codes: list[int]) -> float:
    """|mean / clustered standard error|, from the definition; 0 / 0 is 0."""
    n, center, variance = len(differences), math.fsum(differences) / len(differences), 0.0
    for cluster in set(codes):
        variance += math.fsum(each - center for each, code in zip(differences, codes, strict=True) if code == cluster) ** 2 / n**2
    if abs(center) < 1e-12:
        return 0.0
    return abs(center) / math.sqrt(variance) if variance > 1e-20 else math.inf


def enumerated(differences: Values, codes: Codes) -> float:
    """p by going through every way to flip whole videos and computing t anew each time."""
    names = sorted(set(codes.tolist()))
    observed = absolute_t(differences.tolist(), codes.tolist())
    found = []
    for signs in product((-1.0, 1.0), repeat=len(names)):
        of = dict(zip(names, signs, strict=True))
        found.append(absolute_t([of[code] * each for code, each in zip(codes.tolist(), differences.tolist(), strict=True)], codes.tolist()))
    return sum(each >= observed * (1 - 1e-9) for each in found) / len(found)


@pytest.mark.parametrize("clusters", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(6))
def test_few_videos_are_gone_through(clusters: int, seed: int) -> None:
    """p is exactly the share of all sign flips whose t is as far from 0."""
    differences, codes = drawn(seed, clusters)
    assert enumerated(differences, codes) == p_of(differences, codes)


@pytest.mark.parametrize("seed", [0, 1])
def test_thirteen_videos_are_gone_through_too(seed: int) -> None:
    """The greatest number that is enumerated."""
    differences, codes = drawn(seed, 13)
    assert enumerated(differences, codes) == p_of(differences, codes)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_fourteen_videos_are_drawn_and_come_close(seed: int) -> None:
    """9,999 draws against all 16,384 ways: within four standard errors of drawing."""
    differences, codes = drawn(seed, 14)
    exact = enumerated(differences, codes)
    assert exact == pytest.approx(p_of(differences, codes), abs=4 * math.sqrt(exact * (1 - exact) / 9_999) + 1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_videos_of_equal_size_are_scipys_permutation_test(seed: int) -> None:
    """Then t* only grows with |sum|: the test is scipy's of the videos' sums with all their sign flips. With uneven videos it is not."""
    random = np.random.default_rng(seed)
    differences = np.round(0.3 + random.standard_normal((10, 4)), 1)
    theirs = stats.permutation_test(
        (differences.sum(1),), lambda sums, axis: sums.mean(axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    assert theirs.pvalue == pytest.approx(p_of(differences.ravel(), np.repeat(np.arange(10), 4)), abs=1e-12)


def test_many_videos_come_close_to_students_t() -> None:
    """With 200 videos both say much the same: p lies within 0.02 of that of mean / SE by Student's t."""
    for seed in range(4):
        differences, codes = drawn(seed, 200)
        estimate = mean(differences, codes, None)
        assert estimate.standard_error is not None
        theirs = 2 * stats.t.sf(abs(estimate.value / estimate.standard_error), 199)
        assert theirs == pytest.approx(p_of(differences, codes), abs=0.02)


def table(seed: int, clusters: int) -> tuple[NDArray[np.float64], Codes]:
    """Four columns on the same questions, with missing pairs: some in each video, and all of the first videos in the third and fourth."""
    differences, codes = drawn(seed, clusters)
    random = np.random.default_rng(seed + 100)
    columns = np.stack([differences, random.permutation(differences), -differences, differences**3], 1)
    columns[random.random(columns.shape) < 0.1] = np.nan
    columns[codes < 2, 2] = np.nan
    columns[codes < 1, 3] = np.nan
    return columns, codes


@pytest.mark.parametrize("clusters", [9, 14, 15, 60])
def test_p_is_the_same_again_and_beside_other_columns(clusters: int) -> None:
    """Bit for bit: on a second call, alone, and among others that leave out other videos (14 and 15: drawn here, gone through there)."""
    columns, codes = table(5, clusters)
    together = wild_cluster_bootstrap(columns, codes)
    assert together.tolist() == wild_cluster_bootstrap(columns, codes).tolist()
    assert together.tolist() == [p_of(columns[:, column], codes) for column in range(4)]


@pytest.mark.parametrize("clusters", [9, 60])
@pytest.mark.parametrize("seed", range(4))
def test_order_names_and_direction_do_not_matter(clusters: int, seed: int) -> None:
    """Questions in another order, videos numbered otherwise, the variants swapped: the same p, drawn or not."""
    differences, codes = drawn(seed, clusters)
    random, expected = np.random.default_rng(seed), p_of(differences, codes)
    order, names = random.permutation(len(codes)), random.permutation(clusters)
    assert expected == p_of(differences[order], codes[order])
    assert expected == p_of(differences, names[codes])
    assert expected == p_of(-differences, codes)


@pytest.mark.parametrize("clusters", [9, 15, 60])
def test_missing_pairs_are_as_if_absent(clusters: int) -> None:
    """NaN, and videos that thereby have no pair at all, change nothing; nor do gaps in the numbers of videos."""
    columns, codes = table(6, clusters)
    there = ~np.isnan(columns[:, 2])
    expected = p_of(columns[there, 2], np.unique(codes[there], return_inverse=True)[1])
    assert expected == p_of(columns[:, 2], codes)
    assert expected == p_of(columns[there, 2], codes[there] * 3)


@pytest.mark.parametrize("clusters", [1, 5, 40])
def test_no_difference_at_all_has_p_1(clusters: int) -> None:
    """All zero; and nothing but missing pairs."""
    codes = np.repeat(np.arange(clusters), 3)
    assert [1.0, 1.0] == wild_cluster_bootstrap(np.stack([np.zeros(len(codes)), np.full(len(codes), np.nan)], 1), codes).tolist()


def test_one_video_proves_nothing() -> None:
    """Both ways to flip it are as far from 0."""
    assert 1.0 == p_of(np.ones(5), np.zeros(5, np.int64))


def test_the_same_difference_everywhere_has_the_smallest_p() -> None:
    """Only all or none flipped is as far: 2 of 2^G; drawn, 1 of 10,000 or little more."""
    assert 2 / 2**10 == p_of(np.full(30, 0.25), np.repeat(np.arange(10), 3))
    assert 1 / 10_000 == p_of(np.full(120, 0.25), np.repeat(np.arange(40), 3))


def test_nothing_to_test_has_no_p() -> None:
    """No variants, or no questions."""
    assert [] == wild_cluster_bootstrap(np.empty((4, 0)), np.array([0, 0, 1, 1])).tolist()
    assert [1.0, 1.0] == wild_cluster_bootstrap(np.empty((0, 2)), np.empty(0, np.int64)).tolist()


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300])
@pytest.mark.parametrize("clusters", [9, 40])
def test_unit_does_not_matter(clusters: int, scale: float) -> None:
    """Differences whose squares leave the range of floats have the p of the same ones in another unit."""
    differences, codes = drawn(1, clusters)
    assert p_of(differences, codes) == p_of(differences * scale, codes)


def test_infinite_differences_are_refused() -> None:
    """They have no mean."""
    with pytest.raises(ValueError, match="infinite"):
        p_of(np.array([1.0, math.inf]), np.array([0, 1]))


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None)
def test_mcnemar_is_the_exact_one(won: int, lost: int) -> None:
    """That of statsmodels, and scipy's binomial test of the questions on which the two differ; without any, 1."""
    theirs = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert theirs == pytest.approx(mcnemar(won, lost), rel=1e-9)
    assert their_mcnemar([[7, lost], [won, 9]], exact=True).pvalue == pytest.approx(mcnemar(won, lost), rel=1e-9)


def test_scores_are_right_or_wrong_or_neither() -> None:
    """0 and 1 only; a half, or a missing one, is neither."""
    assert [True, False, False] == [is_right_or_wrong(np.array(scores)) for scores in ([0.0, 1.0], [0.0, 0.5], [1.0, math.nan])]


def test_holm_by_hand() -> None:
    """0.01, 0.02, 0.03, 0.04 of four: 4 * 0.01, 3 * 0.02, 2 * 0.03 and then no less; a place without test does not count."""
    found = holm([0.03, None, 0.01, 0.04, None, 0.02])
    assert [None, None] == [found[1], found[4]]
    assert [0.06, 0.04, 0.06, 0.06] == pytest.approx([found[0], found[2], found[3], found[5]])
    assert [] == holm([])
    assert [None] == holm([None])


@given(st.lists(st.none() | st.floats(0, 1), max_size=20))
@settings(deadline=None, max_examples=20)  # statsmodels collects garbage in every call
def test_holm_is_statsmodels_never_below_p_and_in_its_order(p: list[float | None]) -> None:
    """Of those that there are; adjusted p are >= p, <= 1, and ordered as p."""
    ours = holm(p)
    before, after = [each for each in p if each is not None], [each for each in ours if each is not None]
    assert [each is None for each in p] == [each is None for each in ours]
    if before:
        assert multipletests(before, method="holm")[1] == pytest.approx(after)
    assert all(each <= adjusted <= 1 for each, adjusted in zip(before, after, strict=True))
    in_order = [adjusted for _, adjusted in sorted(zip(before, after, strict=True))]
    assert sorted(after) == in_order


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.1])
def test_holm_refuses_what_is_no_p(wrong: float) -> None:
    """NaN would count as a comparison and move the others."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.01, wrong])
