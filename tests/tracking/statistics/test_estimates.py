"""Means and their clustered standard errors: equal to statsmodels and to lmms-eval, exact where nothing varies, honest about bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from vreason_tracking.statistics import estimates
from vreason_tracking.statistics.estimates import Codes, Values


def drawn(seed: int) -> tuple[Values, Codes]:
    """Scores with a part of their video in them: 0 or 1 for even seeds, fractions for odd ones; 1 to 9 questions a video, not in order."""
    random = np.random.default_rng(seed)
    sizes = [1, 1, *random.integers(1, 10, random.integers(2, 40)).tolist()]
    codes = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    scores = np.clip(0.6 + 0.3 * random.standard_normal(len(sizes))[codes] + 0.3 * random.standard_normal(len(codes)), 0, 1)
    return (scores > 0.6).astype(np.float64) if seed % 2 == 0 else scores, codes


def equation_4(values: Values, codes: Codes) -> float:
    """arXiv 2411.00640, equation 4, term by term."""
    n, center = len(values), sum(values) / len(values)
    variance = sum((value - center) ** 2 for value in values) / (n - 1) / n
    for i in range(n):
        for j in range(n):
            if i != j and codes[i] == codes[j]:
                variance += (values[i] - center) * (values[j] - center) / n**2
    return math.sqrt(variance)


@st.composite
def clustered(draw: st.DrawFn) -> tuple[Values, Codes]:
    """Any scores from 0 to 1 in two clusters at least."""
    names = draw(st.lists(st.integers(0, 6), min_size=2, max_size=40).filter(lambda names: len(set(names)) > 1))
    share = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1, width=16))
    values = draw(st.lists(share, min_size=len(names), max_size=len(names)))
    return np.array(values, np.float64), estimates.compact(np.array(names))


@pytest.mark.parametrize("seed", range(12))
def test_mean_is_that_of_a_regression_on_a_constant_with_clustered_errors(seed: int) -> None:
    """Value, standard error and interval are those of statsmodels' OLS with cov_type="cluster" and Student's t."""
    values, codes = drawn(seed)
    theirs = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    ours = estimates.mean(values, codes, bounds=None)
    assert (len(values), codes.max() + 1) == (ours.n, ours.clusters)
    assert [theirs.params[0], theirs.bse[0], *theirs.conf_int()[0]] == pytest.approx(
        [ours.value, ours.standard_error, ours.low, ours.high], rel=1e-9
    )


@pytest.mark.parametrize(
    ("values", "codes", "theirs"),
    [
        ([1, 1, 0, 0, 1, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1, 2, 2, 3, 3], 0.1275408431313933),
        ([1, 0, 1, 1, 0, 1], [0, 1, 2, 3, 4, 5], 0.21081851067789198),
        ([0.5, 0.75, 1.0, 0.25, 0.0, 0.125, 0.625, 0.9], [0, 0, 0, 0, 0, 1, 1, 2], 0.07612278065319869),
        ([1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1], 0.35981145856446217),
        ([1, 0, 1, 0], [0, 0, 1, 1], 0.14433756729740643),
        ([1, 1, 1], [0, 1, 2], 0.0),
        ([1, 0, 1], [0, 0, 0], 0.19245008972987526),
    ],
)
def test_millers_standard_error_is_the_one_that_lmms_eval_prints(values: list[float], codes: list[int], theirs: float) -> None:
    """The numbers on the right are what `clustered_stderr` of lmms-eval 0.7.3 (lmms_eval/api/metrics.py) returns for these scores."""
    assert theirs == pytest.approx(estimates.miller_standard_error(np.array(values, np.float64), np.array(codes)), rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_millers_standard_error_is_equation_4(seed: int) -> None:
    """On random scores it is the paper's double sum, term by term."""
    values, codes = drawn(seed)
    assert equation_4(values, codes) == pytest.approx(estimates.miller_standard_error(values, codes), rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_millers_standard_error_of_single_questions_is_the_plain_one(seed: int) -> None:
    """Where every video has one question both standard errors are that of independent values: scipy's."""
    values, _ = drawn(seed)
    codes, plain = np.arange(len(values)), stats.sem(values)
    assert plain == pytest.approx(estimates.miller_standard_error(values, codes))
    assert plain == pytest.approx(estimates.mean(values, codes).standard_error)


@pytest.mark.parametrize("clusters", [2, 3, 12, 288, 900])
@pytest.mark.parametrize("share", [0.8, 0.975])
def test_t_quantile_is_students(clusters: int, share: float) -> None:
    """With G - 1 degrees of freedom, as scipy.stats has it."""
    assert stats.t.ppf(share, clusters - 1) == pytest.approx(estimates.t_quantile(clusters, share), rel=1e-9)


@pytest.mark.parametrize("clusters", [1, 2, 12, 50, 900])
def test_unseen_share_is_clopper_pearsons(clusters: int) -> None:
    """The upper end of the exact interval of 0 clusters of G, as statsmodels computes it."""
    assert proportion_confint(0, clusters, method="beta")[1] == pytest.approx(estimates.unseen_share(clusters), rel=1e-9)


@pytest.mark.parametrize(("score", "count"), [(1.0, 12), (0.0, 0)])
def test_interval_without_variance_is_the_exact_one_of_the_clusters(score: float, count: int) -> None:
    """48 of 48 right about 12 videos: Clopper and Pearson's interval of 12 of 12, as statsmodels has it, not 100 % for sure."""
    ours = estimates.mean(np.full(48, score), np.repeat(np.arange(12), 4))
    assert 0.0 == ours.standard_error
    assert proportion_confint(count, 12, method="beta") == pytest.approx((ours.low, ours.high), rel=1e-9, abs=1e-12)


def test_interval_without_any_difference_has_both_signs() -> None:
    """12 videos on which two variants never differ: as much better as worse, up to the greatest share that may have gone unseen."""
    ours = estimates.mean(np.zeros(48), np.repeat(np.arange(12), 4), (-1.0, 1.0))
    unseen = proportion_confint(0, 12, method="beta")[1]
    assert (pytest.approx(-unseen), pytest.approx(unseen)) == (ours.low, ours.high)


def test_rounding_is_no_variance() -> None:
    """Six times 0.1 has a mean that is not 0.1 exactly; its interval is still that of equal values."""
    values, unseen = np.full(6, 0.1), estimates.unseen_share(6)
    assert 0.1 != values.mean()
    ours = estimates.mean(values, np.arange(6))
    assert (pytest.approx(0.1 - 0.1 * unseen), pytest.approx(0.1 + 0.9 * unseen)) == (ours.low, ours.high)


def test_one_cluster_has_a_value_and_no_interval() -> None:
    """Of a single video nothing tells how another would do."""
    ours = estimates.mean(np.array([1.0, 0.0, 1.0]), np.zeros(3, np.int64))
    assert estimates.Estimate(2 / 3, None, None, None, 3, 1) == ours


def test_smallest_detectable_is_millers() -> None:
    """(t(0.975) + t(0.8)) standard errors; for many clusters 2.8 of them."""
    assert (stats.t.ppf(0.975, 11) + stats.t.ppf(0.8, 11)) * 0.02 == pytest.approx(estimates.smallest_detectable(0.02, 12))
    assert pytest.approx(2.8016, abs=1e-3) == estimates.smallest_detectable(1.0, 100_000)


@given(clustered())
def test_interval_encloses_the_mean_and_ends_at_the_bounds(data: tuple[Values, Codes]) -> None:
    """Whatever the scores: least <= low <= mean <= high <= most; and inside the unbounded interval where something varies."""
    ours = estimates.mean(*data)
    assert ours.low is not None
    assert ours.high is not None
    assert -1e-12 <= ours.low <= ours.value + 1e-12
    assert ours.value - 1e-12 <= ours.high <= 1 + 1e-12


@given(clustered(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(data: tuple[Values, Codes], random: object) -> None:
    """The same questions in another order, their videos named otherwise."""
    values, codes = data
    order = np.random.default_rng(random.randrange(1 << 30)).permutation(len(values))  # type: ignore[attr-defined]
    renamed = estimates.codes_of([f"video {(code * 5) % 7}" for code in codes[order]])
    ours, again = estimates.mean(values, codes), estimates.mean(values[order], renamed)
    assert (ours.n, ours.clusters) == (again.n, again.clusters)
    assert [ours.value, ours.low, ours.high] == pytest.approx([again.value, again.low, again.high], abs=1e-9)


@given(clustered())
def test_copies_of_questions_in_their_videos_tell_nothing_new(data: tuple[Values, Codes]) -> None:
    """Every question asked twice: the same interval. As videos of their own, the copies would make it narrower."""
    values, codes = data
    ours, copied = estimates.mean(values, codes), estimates.mean(np.tile(values, 2), np.tile(codes, 2))
    apart = estimates.mean(np.tile(values, 2), np.concatenate([codes, codes + codes.max() + 1]))
    assert [ours.low, ours.high] == pytest.approx([copied.low, copied.high], abs=1e-9)
    assert apart.high - apart.low <= ours.high - ours.low + 1e-9  # type: ignore[operator]


def test_codes_number_names_and_compact_closes_gaps() -> None:
    """Equal names get equal numbers, from 0 without gaps."""
    assert [1, 0, 1, 2] == estimates.codes_of(["b.mp4", "a.mp4", "b.mp4", "c.mp4"]).tolist()
    assert [0, 2, 1, 2] == estimates.compact(np.array([3, 90, 7, 90])).tolist()
    assert 3 == estimates.count_of(np.array([0, 2, 1, 2]))


@pytest.mark.parametrize(
    ("values", "codes", "message"),
    [
        ([], [], "at least one value"),
        ([1.0, math.nan], [0, 1], "finite numbers"),
        ([1.0, math.inf], [0, 1], "finite numbers"),
        ([1.0, 0.0, 1.0], [0, 1], "one a code"),
        ([1.0, 0.0], [0, 2], "without gaps"),
        ([1.0, 0.0], [-1, 0], "without gaps"),
    ],
)
def test_input_without_an_answer_is_refused(values: list[float], codes: list[int], message: str) -> None:
    """No value, NaN, infinity, lengths that differ, codes with gaps (which would count videos that are not there): no silent number."""
    for function in (estimates.mean, estimates.standard_error):
        with pytest.raises(ValueError, match=message):
            function(np.array(values, np.float64), np.array(codes, np.int64))


def test_students_t_needs_two_clusters() -> None:
    """With one there are no degrees of freedom, and nothing is detectable."""
    with pytest.raises(ValueError, match="two at least"):
        estimates.smallest_detectable(0.1, 1)


def test_millers_standard_error_needs_two_values() -> None:
    """Of one value there is none; lmms-eval 0.7.3 returns NaN."""
    assert estimates.miller_standard_error(np.ones(1), np.zeros(1, np.int64)) is None
