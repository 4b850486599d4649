"""vreason_tracking.records.outcome: one reading of a score, wherever a question is listed, shown or drawn."""

from __future__ import annotations

import numpy as np
import pytest

from vreason_tracking.comparison.figures.agreement import FAILED, PARTLY, RIGHT, WRONG, outcomes
from vreason_tracking.comparison.sample_flips import STATUSES
from vreason_tracking.comparison.tables.questions import mark
from vreason_tracking.records.outcome import OUTCOMES, outcome_of

SCORES = {1.0: "right", 0.999999: "partly", 0.4: "partly", 1e-12: "partly", 0.0: "wrong"}


@pytest.mark.parametrize(("score", "expected"), [*SCORES.items(), (None, "failed"), (float("nan"), "failed"), (np.float64(1.0), "right")])
def test_a_score_in_a_word(score, expected) -> None:
    """Full marks are right, none are wrong, anything between is partly so; no score is a failure."""
    assert expected == outcome_of(score)


def test_pictures_read_scores_the_same() -> None:
    """A matrix of them, failures too, as the single ones."""
    numbers = dict(zip(OUTCOMES, (RIGHT, PARTLY, WRONG, FAILED), strict=True))
    scores = np.array([[*SCORES, float("nan")], [float("nan"), *SCORES]])
    expected = [[numbers[outcome_of(score)] for score in row] for row in scores]
    assert expected == outcomes(scores).tolist()
    assert (0, 3) == outcomes(np.empty((0, 3))).shape


def test_every_outcome_has_a_sign_and_a_status() -> None:
    """Signs of the list of questions differ; a run's list of samples calls what is right in part wrong, and says so in its help."""
    assert 4 == len({mark(score) for score in (1.0, 0.5, 0.0, float("nan"))})
    assert set(OUTCOMES) - {"partly"} == set(STATUSES)
