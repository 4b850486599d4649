"""Quantiles and ratios: equal to numpy and statsmodels, with intervals that cover what they should."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, strategies as st

from vreason_tracking.records.metrics import percentile
from vreason_tracking.statistics.estimates import Codes, Estimate, Values
from vreason_tracking.statistics.quantiles import quantile, ratio_of_rates

REPLICATIONS = 1_500


def ratio_of_totals(above: Values, below: Values, codes: Codes) -> Estimate | None:
    """Plain figures: what is below each fraction is one."""
    return ratio_of_rates((above, np.ones_like(above)), (below, np.ones_like(below)), codes)


def lognormal(random: np.random.Generator, clusters: int, size: int) -> Values:
    """Times, half of whose variance is their video's; the median is 1. Shape (REPLICATIONS, clusters * size)."""
    shared = random.standard_normal((REPLICATIONS, clusters, 1))
    own = random.standard_normal((REPLICATIONS, clusters, size))
    return np.exp(0.5 * shared + 0.5 * own).reshape(REPLICATIONS, -1)


def covered(found: list[Estimate | None], truth: float) -> float:
    """The share of intervals that enclose the truth."""
    return float(np.mean([each.low <= truth <= each.high for each in found]))  # type: ignore[operator, union-attr]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from([0.05, 0.5, 0.9, 0.95]))
def test_quantile_is_numpys_and_the_metrics(values: list[float], share: float) -> None:
    """Linear interpolation, as numpy does it by default and as the recorded metrics do."""
    ours = quantile(np.array(values), np.zeros(len(values), np.int64), share)
    assert np.quantile(values, share) == ours.value
    assert percentile(values, share) == pytest.approx(ours.value, rel=1e-9, abs=1e-6)
    assert (None, None) == (ours.low, ours.high)


@given(st.lists(st.tuples(st.floats(0, 1e3), st.integers(0, 7)), min_size=2, max_size=60))
def test_quantiles_interval_encloses_it_and_ends_at_values(data: list[tuple[float, int]]) -> None:
    """Where there is an interval: smallest value <= low <= quantile <= high <= greatest value."""
    values, codes = np.array([value for value, _ in data]), np.unique([name for _, name in data], return_inverse=True)[1]
    ours = quantile(values, codes, 0.5)
    if ours.low is not None and ours.high is not None:
        ends = [values.min(), ours.low, ours.value, ours.high, values.max()]
        assert sorted(ends) == pytest.approx(ends, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("clusters", "size", "share"),
    [(50, 10, 0.5), (288, 3, 0.5), (12, 4, 0.5), (12, 1, 0.5), (6, 4, 0.5), (6, 1, 0.5), (100, 5, 0.95), (288, 3, 0.95)],
)
def test_quantiles_interval_covers(clusters: int, size: int, share: float) -> None:
    """Times of videos: the 95 % interval encloses the true quantile in 92 to 98 % of 1,500 records."""
    random, codes = np.random.default_rng(1), np.repeat(np.arange(clusters), size)
    truth = math.exp(math.sqrt(0.5) * NormalDist().inv_cdf(share))
    assert 0.92 <= covered([quantile(row, codes, share) for row in lognormal(random, clusters, size)], truth) <= 0.98


@pytest.mark.parametrize("clusters", [2, 3, 5])
def test_median_of_fewer_than_six_videos_has_no_interval(clusters: int) -> None:
    """Not even the greatest times enclose it surely: of two videos in half of all cases."""
    codes = np.repeat(np.arange(clusters), 4)
    assert all(
        (None, None) == (each.low, each.high)
        for each in (quantile(row, codes, 0.5) for row in lognormal(np.random.default_rng(2), clusters, 4))
    )


@pytest.mark.parametrize(("clusters", "share", "there"), [(5, 0.5, False), (6, 0.5, True), (71, 0.95, False), (72, 0.95, True)])
def test_interval_needs_clusters_whose_extremes_enclose_the_quantile(clusters: int, share: float, there: bool) -> None:
    """6 single questions enclose their median between the extremes with 1 - 2 / 64 = 96.9 %, 5 only with 93.8 %."""
    ours = quantile(np.arange(clusters, dtype=np.float64), np.arange(clusters), share)
    assert there == (ours.low is not None)
    if there:
        assert clusters - 1 == ours.high


def test_quantiles_interval_covers_beside_many_equal_values() -> None:
    """Ratios of which 47 % are 1 exactly (both replies at the limit) and 51 % are below: nearly all lie at or below a median of 1."""
    random, codes = np.random.default_rng(5), np.repeat(np.arange(50), 6)
    latent = lognormal(random, 50, 6)
    place = NormalDist().inv_cdf(0.51) * math.sqrt(0.5), NormalDist().inv_cdf(0.98) * math.sqrt(0.5)
    edge, past = math.exp(place[0]), math.exp(place[1])
    found = np.where(latent < edge, latent / edge, np.where(latent < past, 1.0, latent / past))
    assert 0.92 <= covered([quantile(row, codes, 0.5) for row in found], 1 / edge) <= 0.98


def test_median_that_parts_every_video_alike_has_an_interval() -> None:
    """Half of each video's values below it: the share below does not vary, and yet the median is not known for sure."""
    ours = quantile(np.tile([1.0, 2.0, 3.0, 4.0], 12), np.repeat(np.arange(12), 4), 0.5)
    assert ours.low is not None
    assert ours.high is not None
    assert ours.low < 2.5 < ours.high


def test_equal_values_have_an_equal_interval() -> None:
    """Replies that all end at the token limit: there is nothing to read a distribution from."""
    assert Estimate(512.0, 512.0, 512.0, None, 48, 12) == quantile(np.full(48, 512.0), np.repeat(np.arange(12), 4), 0.5)


def pairs(random: np.random.Generator, sizes: list[int], ratio: float) -> tuple[Values, Values, Values]:
    """Tokens of a variant and of the baseline on the same questions, alike within a video, and the videos' numbers."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    below = np.exp(5 + 0.5 * random.standard_normal(len(sizes))[codes] + 0.3 * random.standard_normal(len(codes)))
    noise = 1 + 0.15 * random.standard_normal(len(sizes))[codes] + 0.1 * random.standard_normal(len(codes))
    return below * ratio * noise, below, codes


@pytest.mark.parametrize("seed", range(8))
def test_ratio_is_a_weighted_regression_on_a_constant(seed: int) -> None:
    """sum y / sum x is the mean of y / x weighted by x: statsmodels' WLS with clustered errors has its standard error, and by way of the
    logarithm, as a ratio wants it, its interval.
    """
    random = np.random.default_rng(seed)
    above, below, codes = pairs(random, random.integers(1, 9, 20).tolist(), 0.7)
    weighted = sm.WLS(above / below, np.ones(len(below)), weights=below)
    theirs = weighted.fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    ours = ratio_of_totals(above, below, codes)
    assert ours is not None
    ratio, half = theirs.params[0], theirs.conf_int()[0][1] - theirs.params[0]
    expected = [ratio, theirs.bse[0], ratio * math.exp(-half / ratio), ratio * math.exp(half / ratio)]
    assert expected == pytest.approx([ours.value, ours.standard_error, ours.low, ours.high], rel=1e-9)


@pytest.mark.parametrize("sizes", [[10] * 50, [4] * 12, [1, 2, 3, 4, 5, 6, 7, 8] * 5])
def test_ratios_interval_covers(sizes: list[int]) -> None:
    """A true ratio of 0.7 lies within the 95 % interval of 92 to 98 % of 1,500 records."""
    random = np.random.default_rng(3)
    assert 0.92 <= covered([ratio_of_totals(*pairs(random, sizes, 0.7)) for _ in range(REPLICATIONS)], 0.7) <= 0.98


def test_ratio_to_itself_is_1() -> None:
    """A variant that spends exactly what the baseline does, question by question."""
    _, below, codes = pairs(np.random.default_rng(4), [4] * 12, 1.0)
    found = ratio_of_totals(below, below, codes)
    assert (1.0, 48, 12) == (found.value, found.n, found.clusters)
    assert (1.0, 1.0, 0.0) == pytest.approx((found.low, found.high, found.standard_error), abs=1e-12)


def test_rates_are_of_totals_and_their_intervals_cover() -> None:
    """Milliseconds a token: all time over all tokens, in both; long replies count more than short ones."""
    random, found = np.random.default_rng(11), []
    for _ in range(REPLICATIONS):
        codes = np.repeat(np.arange(40), 5)
        tokens = random.integers(20, 200, (2, 200)).astype(np.float64)
        pace = 30 * np.exp(0.2 * random.standard_normal((2, 40))[:, codes] + 0.2 * random.standard_normal((2, 200)))
        time = tokens * pace
        found.append(ratio_of_rates((0.8 * time[0], tokens[0]), (time[1], tokens[1]), codes))
        assert 0.8 * time[0].sum() / tokens[0].sum() / (time[1].sum() / tokens[1].sum()) == pytest.approx(found[-1].value)
    assert 0.92 <= covered(found, 0.8) <= 0.98


def test_ratio_to_nothing_is_none_and_is_not_below_0() -> None:
    """A baseline that spends nothing has no ratio; a wide interval stays above 0; nothing spent, or one video, has no interval."""
    codes = np.array([0, 1])
    assert ratio_of_totals(np.ones(2), np.zeros(2), codes) is None
    wide = ratio_of_totals(np.array([0.0, 2.0]), np.ones(2), codes)
    assert wide is not None
    assert wide.value == 1.0
    assert 0 < wide.low < 0.01
    assert Estimate(0.0, None, None, None, 2, 2) == ratio_of_totals(np.zeros(2), np.ones(2), codes)
    assert Estimate(2.0, None, None, None, 2, 1) == ratio_of_totals(np.full(2, 2.0), np.ones(2), np.zeros(2, np.int64))


@pytest.mark.parametrize(
    ("values", "codes", "message"),
    [([], [], "at least one value"), ([1.0, math.nan], [0, 1], "finite numbers"), ([1.0, 2.0], [0, 2], "without gaps")],
)
def test_input_without_an_answer_is_refused(values: list[float], codes: list[int], message: str) -> None:
    """No value, NaN, codes with gaps: no silent number."""
    column, clusters = np.array(values, np.float64), np.array(codes, np.int64)
    with pytest.raises(ValueError, match=message):
        quantile(column, clusters, 0.5)
    with pytest.raises(ValueError, match=message):
        ratio_of_totals(np.ones(len(column)), column, clusters)
