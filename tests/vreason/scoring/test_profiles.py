"""vreason.scoring.profiles: which rule scores an answer, a profile of this package or a function of one's own."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.helpers.raised import error_of
from tests.helpers.site_packages import SitePackages
from vreason.benchmarks import Sample
from vreason.errors import ConfigError, PluginError
from vreason.scoring.profiles import load_scorer, score_sample, scoring_issue
from vreason.scoring.scorers import PROFILES, score

CHOICE = Sample("q-1", "a.mp4", "Which way?", "A", "multiple choice", ("left", "right"), "direction")
KNOWN = "robust, video-r1, nor a function written module:function"
SOURCE = """
import numpy as np

def length(prediction, sample):
    return len(prediction) / 10

def right(prediction, sample):
    return prediction == sample.answer and sample.sample_id == "q-1"

def numpy(prediction, sample):
    return np.float32(0.5)

def percent(prediction, sample):
    return 100

def negative(prediction, sample):
    return -0.1

def nan(prediction, sample):
    return float("nan")

def words(prediction, sample):
    return "0.5"

def nothing(prediction, sample):
    pass

def fails(prediction, sample):
    return 1 / 0

def one(prediction):
    return 1

threshold = 0.5
class inner:
    def full(prediction, sample):
        return 1
"""


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("prediction", ["A", "A.", "left", "B"])
def test_a_profile_of_this_package_is_its_scorer(profile: Any, prediction: str) -> None:
    """The sample's own answer, problem type and options are scored by the profile named."""
    expected = score(prediction, "A", "multiple choice", ("left", "right"), profile)
    assert expected == score_sample(prediction, CHOICE, profile)


@pytest.mark.parametrize("name", PROFILES)
def test_names_of_profiles_are_right(name: str) -> None:
    """No issue, and nothing to load."""
    assert scoring_issue(name) is None
    load_scorer(name)


@pytest.mark.parametrize(
    ("function", "prediction", "expected"),
    [("length", "abcde", 0.5), ("right", "A", 1.0), ("right", "B", 0.0), ("numpy", "", 0.5), ("inner.full", "", 1.0)],
)
def test_a_function_of_one_s_own_scores(site_packages: SitePackages, function: str, prediction: str, expected: float) -> None:
    """It is handed the prediction and the sample; a truth value, a whole number and NumPy's numbers are scores, recorded as a float."""
    site_packages.work_in(own_scoring=SOURCE)
    assert scoring_issue(f"own_scoring:{function}") is None
    assert "own_scoring" not in sys.modules
    load_scorer(f"own_scoring:{function}")
    made = score_sample(prediction, CHOICE, f"own_scoring:{function}")
    assert (float, expected) == (type(made), made)


def test_a_function_is_loaded_once(site_packages: SitePackages) -> None:
    """It is found again without the folder that holds it, as when a program changes folders while it runs."""
    here = site_packages.work_in(own_scoring_once=SOURCE)
    load_scorer("own_scoring_once:length")
    (here / "own_scoring_once.py").unlink()
    site_packages.forget()
    assert 0.3 == score_sample("abc", CHOICE, "own_scoring_once:length")


@pytest.mark.parametrize(
    ("function", "shown"), [("percent", "100"), ("negative", "-0.1"), ("nan", "nan"), ("words", "'0.5'"), ("nothing", "None")]
)
def test_what_is_no_score_is_refused(site_packages: SitePackages, function: str, shown: str) -> None:
    """Beyond 0 to 1, no number, or nothing: PluginError names the function, the sample and the value."""
    site_packages.work_in(own_scoring=SOURCE)
    error = error_of(lambda: score_sample("A", CHOICE, f"own_scoring:{function}"))
    assert isinstance(error, PluginError)
    assert f"data.scoring: own_scoring:{function} gave {shown} for sample 'q-1'; return a number from 0 to 1" == str(error)


@pytest.mark.parametrize(("function", "reason"), [("fails", "ZeroDivisionError: division by zero"), ("one", "TypeError: .*2 were given")])
def test_a_function_that_fails_is_told_with_its_sample(site_packages: SitePackages, function: str, reason: str) -> None:
    """Whatever it raises, the message has the function, the sample and the reason."""
    site_packages.work_in(own_scoring=SOURCE)
    with pytest.raises(PluginError, match=f"data.scoring: own_scoring:{function} failed on sample 'q-1': {reason}; fix it"):
        score_sample("A", CHOICE, f"own_scoring:{function}")


def test_what_cannot_be_called_is_refused(site_packages: SitePackages) -> None:
    """Before a model is loaded, in words of what it is."""
    site_packages.work_in(own_scoring=SOURCE)
    with pytest.raises(PluginError) as caught:
        load_scorer("own_scoring:threshold")
    assert "data.scoring: 'own_scoring:threshold' is a float; name a function of (prediction, sample)" == str(caught.value)


def test_a_function_that_is_not_there(site_packages: SitePackages) -> None:
    """A missing module is an issue of the config, a missing function is found when it is loaded; both before anything is scored."""
    site_packages.work_in(own_scoring=SOURCE)
    absent = "there is no module '{}'; install it, or start from the folder that holds it"
    assert absent.format("own_scoring.py") == scoring_issue("own_scoring.py:length")
    assert absent.format("absent_scoring") == scoring_issue("absent_scoring:score")
    with pytest.raises(ConfigError, match=f"data.scoring: {absent.format('absent_scoring')}"):
        load_scorer("absent_scoring:score")
    assert scoring_issue("own_scoring:absent") is None
    with pytest.raises(PluginError, match=r"data.scoring: module 'own_scoring' has no 'absent'"):
        load_scorer("own_scoring:absent")


@pytest.mark.parametrize("name", ["exact", "", "own_scoring:", 3, None, ["robust"]])
def test_what_is_no_profile_is_an_issue(name: object) -> None:
    """Another word, half a reference, and what is no text: the message says what may stand there."""
    assert f"{name!r} is not one of {KNOWN}" == scoring_issue(name)
    if isinstance(name, str):
        with pytest.raises(ConfigError):
            score_sample("A", CHOICE, name)
