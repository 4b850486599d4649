"""What the intervals and tests promise, on made-up records: no true difference is found in 5 % of cases, a detectable one in 80 %."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from vreason_tracking.statistics.estimates import Codes, mean, smallest_detectable
from vreason_tracking.statistics.significance import mcnemar, wild_cluster_bootstrap

RECORDS = 4_000
ALIKE = 0.75  # the share of questions that go as their video does
Scores = NDArray[np.float64]

LAYOUTS = {
    "50 videos of 10": [10] * 50,
    "12 videos of 4": [4] * 12,
    "40 uneven videos": [1] * 10 + [3] * 10 + [8] * 10 + [20] * 10,
    "900 videos of 3": [3] * 900,
}


def video_codes(sizes: list[int]) -> Codes:
    """The video of each question."""
    return np.repeat(np.arange(len(sizes)), sizes)


def scored(random: np.random.Generator, codes: Codes, records: int, binary: bool, alike: float = ALIKE) -> Scores:
    """A variant's scores, mean 0.5: a question takes its video's with probability `alike`, else one of its own. Shape (n, records)."""
    videos, questions = random.random((int(codes.max()) + 1, records)), random.random((len(codes), records))
    found = np.where(random.random(questions.shape) < alike, videos[codes], questions)
    return np.round(found) if binary else found


def differences(seed: int, sizes: list[int], records: int = RECORDS, binary: bool = True) -> tuple[Scores, Codes]:
    """Two variants that are equally good, on the same questions."""
    random, codes = np.random.default_rng(seed), video_codes(sizes)
    return scored(random, codes, records, binary) - scored(random, codes, records, binary), codes


def rejected(p: NDArray[np.float64]) -> float:
    """The share of records in which a test finds a difference at the 5 % level."""
    return float((p <= 0.05).mean())


def covered(found: Scores, codes: Codes, truth: float, bounds: tuple[float, float]) -> float:
    """The share of records whose 95 % interval of the mean encloses the truth."""
    estimates = [mean(column, codes, bounds) for column in found.T]
    return float(np.mean([each.low <= truth <= each.high for each in estimates]))  # type: ignore[operator]


def test_naive_tests_find_what_is_not_there() -> None:
    """50 videos of 10 questions, no true difference: questions taken as independent, McNemar and the paired t find one in over a third."""
    found, _ = differences(1, LAYOUTS["50 videos of 10"])
    naive = np.array([mcnemar(int((column > 0).sum()), int((column < 0).sum())) for column in found.T[:1_000]])
    assert 0.35 <= rejected(naive) <= 0.50
    assert 0.35 <= rejected(stats.ttest_1samp(found, 0.0).pvalue) <= 0.50


@pytest.mark.parametrize("binary", [True, False], ids=["right or wrong", "fractions"])
@pytest.mark.parametrize("layout", ["50 videos of 10", "12 videos of 4", "40 uneven videos"])
def test_no_difference_is_found_in_5_percent(layout: str, binary: bool) -> None:
    """The same records: the wild cluster bootstrap finds a difference in 3 to 7 %, and the interval encloses 0 in 93 to 97 %."""
    found, codes = differences(1, LAYOUTS[layout], binary=binary)
    assert 0.03 <= rejected(wild_cluster_bootstrap(found, codes)) <= 0.07
    assert 0.93 <= covered(found, codes, 0.0, (-1.0, 1.0)) <= 0.97


@pytest.mark.parametrize("layout", ["50 videos of 10", "12 videos of 4", "40 uneven videos", "900 videos of 3"])
def test_interval_of_an_accuracy_covers(layout: str) -> None:
    """A true accuracy of 50 % lies within the interval of 93 to 97 % of records."""
    codes = video_codes(LAYOUTS[layout])
    found = scored(np.random.default_rng(2), codes, RECORDS // 2, binary=True)
    assert 0.93 <= covered(found, codes, 0.5, (0.0, 1.0)) <= 0.97


def test_mcnemar_on_a_question_a_video_is_conservative() -> None:
    """An exact test keeps below 5 %; at 300 videos it is not far below."""
    found, _ = differences(3, [1] * 300, 2_000)
    p = np.array([mcnemar(int((column > 0).sum()), int((column < 0).sum())) for column in found.T])
    assert 0.02 <= rejected(p) <= 0.05


@pytest.mark.parametrize("layout", ["50 videos of 10", "12 videos of 4", "40 uneven videos"])
def test_detectable_difference_is_found_in_80_percent(layout: str) -> None:
    """A true difference of the smallest detectable size, from the standard error that such records have, is found in 72 to 88 %."""
    found, codes = differences(4, LAYOUTS[layout], binary=False)
    error = float(found.mean(0).std())
    true = smallest_detectable(error, int(codes.max()) + 1)
    assert 0.72 <= rejected(wild_cluster_bootstrap(found + true, codes)) <= 0.88
