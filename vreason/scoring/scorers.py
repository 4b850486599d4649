"""Is an answer right? Two profiles; every record names the one it used.

`video-r1` follows that project's evaluation to the letter, for numbers that compare with the paper: a multiple-choice answer must equal the
letter, OCR and free-form score 0. `robust` takes the letter from the ways in which models write it (`letters`), reads numbers with units
and separators (`numbers`), scores OCR by 1 - word error rate and free-form by ROUGE-L.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from vreason.scoring.letters import letter_of
from vreason.scoring.numbers import number_of

Profile = Literal["robust", "video-r1"]
PROFILES: tuple[str, ...] = get_args(Profile)
_THRESHOLDS = tuple(0.5 + 0.05 * i for i in range(10))


def score(prediction: str | None, answer: str, problem_type: str, options: Sequence[str] = (), profile: Profile = "robust") -> float:
    """Score of one answer, 0 to 1.

    Args:
        prediction: the extracted answer; None scores 0.
        answer: the expected one; for multiple choice the letter.
        problem_type: one of `vreason.prompts.PROBLEM_TYPES`.
        options: the options without letters (multiple choice).
        profile: `robust` or `video-r1`.

    Raises:
        KeyError: the problem type is unknown.
    """
    rule = _RULES[profile][problem_type]
    return 0.0 if prediction is None else rule(prediction.strip(), answer.strip(), options)


def mean_relative_accuracy(prediction: float, target: float, *, inclusive: bool) -> float:
    """MRA: the share of theta in {0.50, 0.55 ... 0.95} with a relative error below 1 - theta (`inclusive`: or equal to it)."""
    error = abs(prediction - target) / (abs(target) + 1e-8)
    passed = [error <= 1 - theta + 1e-9 if inclusive else error < 1 - theta for theta in _THRESHOLDS]
    return sum(passed) / len(passed)


def word_error_rate(prediction: str, target: str) -> float:
    """Edits a word of the target, at least 0; an empty target gives 0 for an empty prediction and 1 otherwise."""
    ours, theirs = prediction.split(), target.split()
    if not theirs:
        return float(bool(ours))
    row = list(range(len(theirs) + 1))
    for i, word in enumerate(ours, 1):
        above, row[0] = row[0], i
        for j, expected in enumerate(theirs, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != expected))
    return row[-1] / len(theirs)


def rouge_l(prediction: str, target: str) -> float:
    """F1 of the longest common subsequence of words, lower case, punctuation aside."""
    ours, theirs = _plain(prediction).split(), _plain(target).split()
    if not ours or not theirs:
        return float(ours == theirs)
    row = [0] * (len(theirs) + 1)
    for word in ours:
        above = 0
        for j, expected in enumerate(theirs, 1):
            above, row[j] = row[j], above + 1 if word == expected else max(row[j], row[j - 1])
    common = row[-1]
    return 2 * common / (len(ours) + len(theirs))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _r1_number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _exact(prediction: str, answer: str, _: Sequence[str]) -> float:
    return float(prediction == answer)


def _letter(prediction: str, answer: str, options: Sequence[str]) -> float:
    return float(letter_of(prediction, options) == answer)


def _r1_numerical(prediction: str, answer: str, _: Sequence[str]) -> float:
    """Equal after rounding to two decimals; 0 unless both or neither are written with a point or comma."""
    if any(mark in prediction for mark in ".,") != any(mark in answer for mark in ".,"):
        return 0.0
    ours, theirs = _r1_number(prediction), _r1_number(answer)
    return float(ours is not None and theirs is not None and round(ours, 2) == round(theirs, 2))


def _numerical(prediction: str, answer: str, _: Sequence[str]) -> float:
    ours, theirs = number_of(prediction), number_of(answer)
    return float(ours is not None and theirs is not None and round(ours, 2) == round(theirs, 2))


def _r1_regression(prediction: str, answer: str, _: Sequence[str]) -> float:
    ours, theirs = _r1_number(prediction), _r1_number(answer)
    return 0.0 if ours is None or theirs is None else mean_relative_accuracy(ours, theirs, inclusive=False)


def _regression(prediction: str, answer: str, _: Sequence[str]) -> float:
    ours, theirs = number_of(prediction), number_of(answer)
    return 0.0 if ours is None or theirs is None else mean_relative_accuracy(ours, theirs, inclusive=True)


def _nothing(prediction: str, answer: str, _: Sequence[str]) -> float:
    return 0.0


_RULES: dict[str, dict[str, Callable[[str, str, Sequence[str]], float]]] = {
    "video-r1": {
        "multiple choice": _exact,
        "numerical": _r1_numerical,
        "regression": _r1_regression,
        "OCR": _nothing,
        "free-form": _nothing,
    },
    "robust": {
        "multiple choice": _letter,
        "numerical": _numerical,
        "regression": _regression,
        "OCR": lambda prediction, answer, _: max(0.0, 1.0 - word_error_rate(prediction, answer)),
        "free-form": lambda prediction, answer, _: rouge_l(prediction, answer),
    },
}
