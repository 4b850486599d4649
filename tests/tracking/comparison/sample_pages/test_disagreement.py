"""vreason_tracking.comparison.disagreement: which samples deserve a page."""

from __future__ import annotations

import pytest

from tests.helpers import compared, records
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.sample_pages.disagreement import most_informative

SCORES = {
    "all-right": (1.0, 1.0, 1.0),
    "all-wrong": (0.0, 0.0, 0.0),
    "partly-wrong": (0.4, 0.4, 0.4),
    "base-failed": (None, 1.0, 0.0),
    "failed": (None, None, None),
    "lost": (1.0, 0.0, 1.0),
    "lost-twice": (1.0, 0.0, 0.0),
    "one-failed": (1.0, None, 1.0),
    "won": (0.0, 1.0, 0.0),
    "won-a-little": (0.4, 0.5, 0.4),
    "won-again": (0.0, 0.0, 1.0),
    "won-twice": (0.0, 1.0, 1.0),
}
ORDER = [
    *("won-twice", "lost-twice", "won", "lost", "won-again", "won-a-little"),  # in turn while there are both
    "base-failed",  # runs differ, the baseline has no score
    *("failed", "one-failed"),
    *("all-wrong", "partly-wrong"),
    "all-right",
]


def sample(name: str, score: float | None):
    return records.failed(name) if score is None else records.sample(name, score=score)


@pytest.fixture
def comparison(tmp_path):
    """A baseline and two runs with the scores above."""
    names = ("baseline", "v-reason", "v-reason-lite")
    samples = [[(sample(name, scores[place]), ()) for name, scores in SCORES.items()] for place in range(len(names))]
    return compare([compared.recorded(tmp_path, name, each, preset=name) for name, each in zip(names, samples, strict=True)])


def test_the_order(comparison) -> None:
    """Most disagreement with the baseline first, won and lost in turn; then failed, then wrong by all, then the others; each once."""
    assert ORDER == most_informative(comparison, 100)


@pytest.mark.parametrize("most", [-1, 0, 1, 4])
def test_the_limit(comparison, most) -> None:
    """No more than asked for, from the front: both kinds of disagreement are among the first two."""
    assert ORDER[: max(0, most)] == most_informative(comparison, most)
