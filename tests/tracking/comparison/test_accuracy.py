"""vreason_tracking.comparison.accuracy: every figure against one worked out anew from the records, in plain Python."""

from __future__ import annotations

from math import sqrt
from statistics import fmean

import numpy as np
import pytest
from scipy.stats import binomtest, t
from statsmodels.stats.multitest import multipletests

from tests.helpers import compared, records
from vreason_tracking.comparison.accuracy import BOOTSTRAP, MCNEMAR
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.statistics.significance import wild_cluster_bootstrap

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
GROUPINGS = ("all", "benchmark", "problem type", "category")


def interval(values, videos):
    """Mean and standard error by the formula, video by video; no error from a single one."""
    center, clusters = fmean(values), sorted(set(videos))
    sums = [sum(value - center for value, video in zip(values, videos, strict=True) if video == each) for each in clusters]
    if len(clusters) < 2:
        return center, None, len(clusters)
    return center, sqrt(len(clusters) / (len(clusters) - 1) * sum(each**2 for each in sums)) / len(values), len(clusters)


@pytest.fixture(scope="module", params=[0, 2])
def made(request, tmp_path_factory):
    """Four runs with failures, and their comparison; the baseline is the first or the third."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [compared.recorded(folder, f"run {seed}", compared.mixed(seed)) for seed in range(4)]
    return runs, compare(runs, f"run {request.param}"), request.param


def test_every_group_is_there(made) -> None:
    """Those that the records name, each with its number of questions and videos."""
    runs, comparison, _ = made
    rows = compared.rows(runs[0])
    names = {("all", "all questions"), *(("problem type", row["problem_type"]) for row in rows)}
    names |= {("benchmark", row["benchmark"]) for row in rows} | {("category", row["category"]) for row in rows if row["category"]}
    names |= {("benchmark", f"VSI-Bench ({half})") for half in ("acc", "MRA")}
    groups = [group for group in comparison.groups if group.grouping in GROUPINGS]
    assert names == {(group.grouping, group.name) for group in groups}
    for group in groups:
        own = [row for row in rows if compared.members(group.grouping, group.name, row)]
        assert (len(own), len({row["video"] for row in own})) == (group.questions, group.videos)


def test_accuracy(made) -> None:
    """Mean over the answered, failures counted, and the mean with failures as wrong."""
    runs, comparison, _ = made
    for group in comparison.groups:
        for run, result in zip(runs, group.results, strict=True):
            if group.grouping not in GROUPINGS:
                continue
            own = [row for row in compared.rows(run) if compared.members(group.grouping, group.name, row)]
            answered = [row for row in own if row["score"] is not None]
            found = result.accuracy
            assert (len(answered), len(own) - len(answered)) == (found.answered, found.failed)
            assert sum(row["score"] for row in answered) / len(own) == pytest.approx(found.with_failures_wrong, abs=1e-12)
            center, error, clusters = interval([row["score"] for row in answered], [row["video"] for row in answered])
            assert (center, len(answered), clusters) == (pytest.approx(found.estimate.value), found.estimate.n, found.estimate.clusters)
            assert error == pytest.approx(found.estimate.standard_error)
            if error:
                half = t.ppf(0.975, clusters - 1) * error
                assert (max(center - half, 0), min(center + half, 1)) == pytest.approx((found.estimate.low, found.estimate.high))


def test_differences(made) -> None:
    """Paired by question: only those that both answered count, won, lost and tied are all of them."""
    runs, comparison, base = made
    for group in comparison.groups:
        if group.grouping not in GROUPINGS:
            continue
        theirs = {row["sample_id"]: row for row in compared.rows(runs[base])}
        for place, (run, result) in enumerate(zip(runs, group.results, strict=True)):
            found = result.accuracy.difference
            if place == base:
                assert found is None
                continue
            own = [row for row in compared.rows(run) if compared.members(group.grouping, group.name, row)]
            pairs = [(row, theirs[row["sample_id"]]) for row in own]
            pairs = [(row, other) for row, other in pairs if None not in (row["score"], other["score"])]
            differences = [row["score"] - other["score"] for row, other in pairs]
            counts = [sum(sign(each) == wanted for each in differences) for wanted in (1, -1, 0)]
            assert counts == [found.won, found.lost, found.tied]
            center, error, clusters = interval(differences, [row["video"] for row, _ in pairs])
            assert (len(pairs), clusters) == (found.estimate.n, found.estimate.clusters)
            assert (center, error) == (pytest.approx(found.estimate.value, abs=1e-12), pytest.approx(found.estimate.standard_error))
            if clusters == len(pairs) and all(score in (0, 1) for pair in pairs for score in (pair[0]["score"], pair[1]["score"])):
                assert (MCNEMAR, binomtest(found.won, found.won + found.lost).pvalue) == (found.test, pytest.approx(found.p))
            else:
                codes = np.unique([row["video"] for row, _ in pairs], return_inverse=True)[1]
                assert (BOOTSTRAP, wild_cluster_bootstrap(np.array(differences)[:, None], codes)[0]) == (found.test, found.p)


def sign(value):
    return (value > 0) - (value < 0)


def test_holm_is_over_one_table(made) -> None:
    """All comparisons of a grouping are a family, the halves of benchmarks one of their own; another grouping's count for nothing."""
    _, comparison, _ = made
    families = [(grouping, False) for grouping in (*GROUPINGS, "video length")] + [("benchmark", True)]
    for grouping, halves in families:
        found = [
            result.accuracy.difference
            for group in comparison.groups
            if group.grouping == grouping and group.name.endswith(("(acc)", "(MRA)")) == halves
            for result in group.results
            if result.accuracy.difference
        ]
        found = [each for each in found if each.p is not None]
        expected = multipletests([each.p for each in found], method="holm")[1]
        assert expected.tolist() == pytest.approx([each.p_holm for each in found], abs=1e-12)


def one_each(folder, scores):
    """Runs with these scores, each question about a video of its own; None fails."""
    return [
        compared.recorded(
            folder,
            f"run {number}",
            [
                (records.failed(f"s-{place:02d}", video=f"{place}.mp4") if score is None else
                 records.sample(f"s-{place:02d}", video=f"{place}.mp4", score=score), ())
                for place, score in enumerate(own)
            ],
        )
        for number, own in enumerate(scores)
    ]  # fmt: skip


def differences(comparison):
    return [result.accuracy.difference for result in comparison.groups[0].results if result.accuracy.difference]


def test_exact_mcnemar(tmp_path) -> None:
    """Right or wrong, and every question about its own video: the exact binomial test of the questions that differ."""
    base, other = [0.0] * 9 + [1.0] * 7 + [None, 1.0], [1.0] * 8 + [0.0] * 3 + [1.0] * 5 + [1.0, None]
    (found,) = differences(compare(one_each(tmp_path, [base, other])))
    assert (8, 2, 6, MCNEMAR) == (found.won, found.lost, found.tied, found.test)
    assert binomtest(2, 10).pvalue == pytest.approx(found.p, rel=1e-12)
    assert found.p == found.p_holm


def test_a_score_between(tmp_path) -> None:
    """A single regression score among them takes the test for such."""
    (found,) = differences(compare(one_each(tmp_path, [[0.0, 1.0, 1.0], [1.0, 1.0, 0.5]])))
    assert BOOTSTRAP == found.test


def test_no_pair_at_all(tmp_path) -> None:
    """Where no question was answered by both there is no difference, and nothing else is disturbed."""
    found = compare(one_each(tmp_path, [[1.0, None], [None, 0.0], [0.0, 1.0]])).groups[0].results
    assert found[1].accuracy.difference is None
    assert (0, 1, 0) == (found[2].accuracy.difference.won, found[2].accuracy.difference.lost, found[2].accuracy.difference.tied)
    assert found[2].accuracy.difference.p == found[2].accuracy.difference.p_holm


def test_everything_failed(tmp_path) -> None:
    """A run without an answer has no accuracy rather than none right; with failures as wrong it has 0."""
    found = compare(one_each(tmp_path, [[1.0, 0.0], [None, None]])).groups[0].results[1].accuracy
    assert (0, 2, None, None, 0.0, None) == (
        *(found.answered, found.failed, found.estimate, found.standard_error_lmms_eval, found.with_failures_wrong, found.difference),
    )


def test_equal_runs(tmp_path) -> None:
    """A run against one with the same answers: no difference, p = 1, and an interval that is not of no width."""
    (found,) = differences(compare(one_each(tmp_path, [[1.0, 0.0] * 10] * 2)))
    assert (0, 0, 20, 1.0, 1.0, 0.0) == (found.won, found.lost, found.tied, found.p, found.p_holm, found.estimate.value)
    assert found.estimate.low < 0 < found.estimate.high
    assert (None, 0, 1.0, False) == (found.smallest_detectable, found.videos_differing, found.smallest_p, found.sparse)


def test_few_videos_that_differ(tmp_path) -> None:
    """Only they tell p anything: with four it cannot fall below 1/8, however many agree, and the interval is marked."""
    scores = [[1.0] * 30, [0.0] * 4 + [1.0] * 26]
    (found,) = differences(compare(one_each(tmp_path, scores)))
    assert (4, 0.125, 0.125, True) == (found.videos_differing, found.smallest_p, found.p, found.sparse)
    (even,) = differences(compare(one_each(tmp_path / "b", [[1.0] * 30, [0.0] * 10 + [1.0] * 20])))
    assert (10, False) == (even.videos_differing, even.sparse)


def test_a_single_video(tmp_path) -> None:
    """Nothing can be concluded from one: there is no p, no interval, and nothing detectable."""
    samples = [[(records.sample(f"s-{place}", video="v.mp4", score=float(score)), ()) for place, score in enumerate(own)]
               for own in ((0, 0, 0), (1, 1, 1))]  # fmt: skip
    (found,) = differences(compare([compared.recorded(tmp_path, name, own) for name, own in zip("ab", samples, strict=True)]))
    assert (None, None, None, None) == (found.p, found.p_holm, found.smallest_detectable, found.estimate.low)


def test_failing_looks_worse_not_better(tmp_path) -> None:
    """A run that fails where it would be wrong gains in accuracy, and not with failures as wrong, nor in the paired difference."""
    base, fails = [1.0] * 10 + [0.0] * 10, [1.0] * 10 + [None] * 10
    comparison = compare(one_each(tmp_path, [base, fails]))
    plain, failing = (result.accuracy for result in comparison.groups[0].results)
    assert (0.5, 1.0) == (plain.estimate.value, failing.estimate.value)
    assert (0.5, 0.5) == (plain.with_failures_wrong, failing.with_failures_wrong)
    assert (0.0, 0, 0, 10) == (failing.difference.estimate.value, failing.difference.won, failing.difference.lost, failing.difference.tied)
    assert any("run 1: 10 of 20 questions failed" in warning for warning in comparison.warnings)


@pytest.mark.parametrize(
    ("scores", "sparse"),
    [([1.0] * 6, False), ([0.0] * 6, False), ([1.0] * 20 + [0.0] * 3, True), ([0.0] * 20 + [1.0] * 9, True), ([1.0, 0.0] * 10, False)],
)
def test_sparse_answers(tmp_path, scores, sparse) -> None:
    """Marked where few videos make the one kind of answers; where there is only one kind the interval is the exact one."""
    found = compare(one_each(tmp_path, [scores] * 2)).groups[0].results[0].accuracy
    assert sparse == found.sparse
