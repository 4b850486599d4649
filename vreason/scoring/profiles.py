"""Which rule scores an answer: a profile of this package, or a function of the user's own.

A function is named in a config as ``data.scoring: module:function`` and is called as ``function(prediction, sample)``: the extracted answer
(without an answer block, the reply without its reasoning), and the `vreason.benchmarks.Sample`. It returns a score from 0 to 1. A reply
that has no answer, because it ends inside its reasoning, scores 0 without being asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from numbers import Real
from typing import Any, Protocol

from vreason.errors import ConfigError, ConfigIssue, PluginError
from vreason.plugins import is_reference, load_reference, reference_issue
from vreason.scoring.scorers import PROFILES, score


class ScoredSample(Protocol):
    """What a scorer is told of a sample: a `vreason.benchmarks.Sample`."""

    @property
    def sample_id(self) -> str:
        """Unique within the benchmark."""
        ...

    @property
    def answer(self) -> str:
        """What is expected; for multiple choice the letter."""
        ...

    @property
    def problem_type(self) -> str:
        """One of `vreason.prompts.PROBLEM_TYPES`."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Without letters."""
        ...


FIELD = "data.scoring"


def scoring_issue(name: object) -> str | None:
    """What is wrong with the name of a profile, without importing anything; None when nothing is."""
    if isinstance(name, str) and (name in PROFILES or (is_reference(name) and reference_issue(name) is None)):
        return None
    if isinstance(name, str) and is_reference(name):
        return reference_issue(name)
    return f"{name!r} is not one of {', '.join(PROFILES)}, nor a function written module:function"


def score_sample(prediction: str | None, sample: ScoredSample, profile: str) -> float:
    """The score of one answer, 0 to 1.

    Args:
        prediction: what `scored_text` gives; None scores 0.
        sample: the question.
        profile: "robust", "video-r1", or "module:function".

    Raises:
        ConfigError: there is no such profile.
        PluginError: the function cannot be loaded, fails, or returns something else than a number from 0 to 1.
    """
    if profile in PROFILES:
        return score(prediction, sample.answer, sample.problem_type, sample.options, profile)  # type: ignore[arg-type]
    scorer = _scorer(profile)
    return 0.0 if prediction is None else _checked(scorer, prediction, sample, profile)


def load_scorer(profile: str) -> None:
    """Load a user's function, so that one that cannot be loaded is found before a model is.

    Raises:
        ConfigError, PluginError: as `score_sample`.
    """
    if profile not in PROFILES:
        _scorer(profile)


@cache
def _scorer(profile: str) -> Callable[[str, ScoredSample], Any]:
    if issue := scoring_issue(profile):
        raise ConfigError([ConfigIssue(FIELD, issue)])
    found = load_reference(profile, FIELD)
    if not callable(found):
        raise PluginError(f"{FIELD}: {profile!r} is a {type(found).__name__}; name a function of (prediction, sample)")
    return found  # type: ignore[no-any-return]


def _checked(scorer: Callable[[str, ScoredSample], Any], prediction: str, sample: ScoredSample, profile: str) -> float:
    try:
        made = scorer(prediction, sample)
    except Exception as error:  # whatever a user's function raises
        raise PluginError(f"{FIELD}: {profile} failed on sample {sample.sample_id!r}: {type(error).__name__}: {error}; fix it") from error
    if isinstance(made, Real) and 0 <= (found := float(made)) <= 1:  # NumPy's numbers as well
        return found
    raise PluginError(f"{FIELD}: {profile} gave {made!r} for sample {sample.sample_id!r}; return a number from 0 to 1")
