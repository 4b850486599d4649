"""Golden cases of both scoring profiles, from the protocols they follow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from vreason.prompts import PROBLEM_TYPES
from vreason.scoring.scorers import PROFILES, mean_relative_accuracy, rouge_l, score, word_error_rate

FOUR = ("left", "right", "up", "down")


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [("A", 1), (" A\n", 1), ("A.", 0), ("(A)", 0), ("a", 0), ("A) left", 0), ("left", 0), ("The answer is A", 0), ("B", 0), ("", 0)],
)
def test_video_r1_choice_is_the_exact_letter(prediction: str, expected: float) -> None:
    """Nothing but the letter itself counts."""
    assert expected == score(prediction, "A", "multiple choice", FOUR, "video-r1")


@pytest.mark.parametrize(
    ("prediction", "answer", "expected"),
    [
        ("3", "3", 1),
        ("3.0", "3.00", 1),
        ("3.001", "3.004", 1),
        ("3.01", "3.02", 0),
        ("-3", "-3", 1),
        ("-3", "3", 0),
        ("3", "3.0", 0),  # only one is written with a point
        ("3.0", "3", 0),
        ("1,000", "1000", 0),  # only one is written with a comma
        ("1,000", "1,000", 1),
        ("1,000", "1000.0", 1),  # both are, though differently
        ("3 apples", "3", 0),
        ("three", "3", 0),
        ("", "3", 0),
    ],
)
def test_video_r1_numerical(prediction: str, answer: str, expected: float) -> None:
    """Commas removed, equal after rounding to two decimals, 0 unless both or neither hold a point or comma."""
    assert expected == score(prediction, answer, "numerical", (), "video-r1")


@pytest.mark.parametrize("kind", ["OCR", "free-form"])
def test_video_r1_scores_no_words(kind: str) -> None:
    """OCR and free-form score 0 at evaluation, even the exact text."""
    assert 0.0 == score("EXIT", "EXIT", kind, (), "video-r1")


@pytest.mark.parametrize("step", range(1, 11))
def test_mra_steps(step: int) -> None:
    """A relative error of step/20 passes the thresholds from 0.50 up to 1 - step/20: (11 - step) of 10."""
    expected = (11 - step) / 10
    for inclusive in (True, False):  # the 1e-8 under the fraction keeps an exact boundary just inside
        assert expected == pytest.approx(mean_relative_accuracy(20 - step, 20, inclusive=inclusive))
        assert expected == pytest.approx(mean_relative_accuracy(20 + step, 20, inclusive=inclusive))
        assert expected == pytest.approx(mean_relative_accuracy(-20 + step, -20, inclusive=inclusive))


@pytest.mark.parametrize(("profile", "expected"), [("video-r1", 0.0), ("robust", 0.1)])
def test_mra_boundary_belongs_to_robust_only(profile: str, expected: float) -> None:
    """An error of exactly one half: `<` fails theta = 0.5, `<=` passes it (at 1e9 the 1e-8 vanishes in the rounding)."""
    assert expected == score("1500000000", "1000000000", "regression", (), profile)  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("prediction", "answer", "expected"),
    [
        ("10", "10", 1),
        ("9.7", "10", 1),
        ("9.3", "10", 0.9),
        ("5.2", "10", 0.1),
        ("4.9", "10", 0),
        ("-10", "10", 0),
        ("0", "0", 1),
        ("1", "0", 0),
    ],
)
def test_regression(profile: str, prediction: str, answer: str, expected: float) -> None:
    """MRA of plain numbers, alike in both profiles, also with a target of zero."""
    assert expected == pytest.approx(score(prediction, answer, "regression", (), profile))  # type: ignore[arg-type]


def test_regression_reads_commas_and_video_r1_no_units() -> None:
    """Thousands separators count in both profiles, units in `robust` only."""
    assert [1.0, 1.0] == [score("1,234.5", "1234.5", "regression", (), profile) for profile in ("video-r1", "robust")]
    assert 0.0 == score("4.2 m", "4.2", "regression", (), "video-r1")
    assert 1.0 == score("4.2 m", "4.2", "regression", (), "robust")


@pytest.mark.parametrize(
    ("prediction", "target", "rate"),
    [
        ("the cat sat", "the cat sat", 0),
        ("the dog sat", "the cat sat", 1 / 3),
        ("the sat", "the cat sat", 1 / 3),
        ("the black cat sat", "the cat sat", 1 / 3),
        ("", "the cat sat", 1),
        ("a b c d", "x", 4),
        ("cat the", "the cat", 1),
        ("", "", 0),
        ("x", "", 1),
    ],
)
def test_word_error_rate(prediction: str, target: str, rate: float) -> None:
    """Substitutions, deletions and insertions, a word of the target each."""
    assert rate == pytest.approx(word_error_rate(prediction, target))


@pytest.mark.parametrize(
    ("prediction", "expected"), [("KEEP OFF THE GRASS", 1), ("KEEP OFF GRASS", 0.75), ("KEEP OUT", 0.25), ("a b c d e f g h i", 0)]
)
def test_robust_ocr_is_one_minus_word_error_rate(prediction: str, expected: float) -> None:
    """1 - WER, and never below 0."""
    assert expected == pytest.approx(score(prediction, "KEEP OFF THE GRASS", "OCR"))


@pytest.mark.parametrize(
    ("prediction", "target", "value"),
    [
        ("police kill the gunman", "police killed the gunman", 3 / 4),  # Lin 2004, the examples that define the measure
        ("the gunman kill police", "police killed the gunman", 1 / 2),
        ("the cat was found under the bed", "the cat was under the bed", 12 / 13),
        ("Top right.", "top right", 1),
        ("right", "top right", 2 / 3),
        ("left", "top right", 0),
        ("", "top right", 0),
    ],
)
def test_rouge_l(prediction: str, target: str, value: float) -> None:
    """F1 of the longest common subsequence, with published values."""
    assert value == pytest.approx(rouge_l(prediction, target))
    assert value == pytest.approx(score(prediction, target, "free-form"))


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=30), st.text(min_size=1, max_size=10), st.sampled_from(PROBLEM_TYPES), st.sampled_from(PROFILES))
def test_any_text_gets_a_score(prediction: str, answer: str, kind: str, profile: str) -> None:
    """Whatever a model writes, the score is a number from 0 to 1."""
    assert 0.0 <= score(prediction, answer, kind, ("one", "two"), profile) <= 1.0  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(st.from_regex(r"[a-z]{0,4}[eE]?[-+]?[0-9]{0,4}[eE.,]?[0-9]{0,3}", fullmatch=True))
def test_any_numberlike_text_gets_a_score(prediction: str) -> None:
    """Texts made of digits, points, commas, signs and the letter e are scored, never an error."""
    assert 0.0 <= score(prediction, "3", "regression") <= 1.0


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", PROBLEM_TYPES)
def test_no_answer_scores_zero(kind: str, profile: str) -> None:
    """A reply without an answer scores 0 in every kind."""
    assert 0.0 == score(None, "0", kind, ("0", "1"), profile)  # type: ignore[arg-type]


def test_unknown_problem_type() -> None:
    """A kind that no profile knows is an error, not a 0."""
    with pytest.raises(KeyError, match="essay"):
        score("x", "x", "essay")
