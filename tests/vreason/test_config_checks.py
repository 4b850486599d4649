"""vreason.config_checks: single values, and the words that a wrong one is answered with."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from vreason.config_checks import check_choice, check_number, check_order, check_text, shown, suggestion, unknown_key


@pytest.mark.parametrize(("value", "text"), [(None, "null"), (True, "true"), (False, "false"), ("a", "'a'"), (0.5, "0.5"), ([1], "[1]")])
def test_shown_is_spelt_as_in_yaml(value: object, text: str) -> None:
    """What has a word of its own in YAML is shown with it, the rest as Python writes it."""
    assert text == shown(value)


def test_shown_cuts_long_values() -> None:
    """A long value takes at most 80 characters of a message."""
    assert 80 == len(shown("a" * 500))


def test_suggestion_ignores_case_and_stays_silent_when_nothing_is_near() -> None:
    """A word near to a known one in another case is answered with it; a word near to none with nothing."""
    assert "; did you mean OCR?" == suggestion("ocr", ["OCR", "regression"])
    assert "" == suggestion("zzz", ["OCR", "regression"])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("alpa", "unknown key; did you mean alpha?"),
        ("zzz", "unknown key; known are alpha, beta"),
        ("lr", "unknown key; did you mean controller.lr?"),
        ("seed", "unknown key; known are alpha, beta"),  # in two other places: neither is suggested
        ("bets", "unknown key; did you mean beta?"),  # near here, exact elsewhere: here wins
    ],
)
def test_unknown_key_is_answered_with_the_nearest(key: str, expected: str) -> None:
    """The nearest key of that place, else the one place that has such a key, else all that may stand there."""
    elsewhere = ["controller.lr", "controller.seed", "pruning.seed", "x.bets"]
    issue = unknown_key(f"a.{key}", key, ["alpha", "beta"], elsewhere)
    assert (f"a.{key}", expected) == (issue.path, issue.message)


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        (0, {"whole": True}, "0 is not a whole number of at least 1"),
        (2.0, {"whole": True}, "2.0 is not a whole number of at least 1"),
        (True, {}, "true is not a number of at least 1"),
        ("4", {}, "'4' is not a number of at least 1"),
        (None, {}, "null is not a number of at least 1"),
        ([4], {"or_null": True}, "[4] is not a number of at least 1 or null"),
        (math.nan, {}, "nan is not a number of at least 1"),
        (math.inf, {}, "inf is not a number of at least 1"),
        (10**400, {}, f"{str(10**400)[:77]}... is not a number of at least 1"),
        (9, {"high": 8}, "9 is not a number of at least 1 and at most 8"),
        (8, {"high": 8, "below": True}, "8 is not a number of at least 1 and below 8"),
        (2**63, {"high": 2**63 - 1, "whole": True}, f"{2**63} is not a whole number of at least 1 and at most {2**63 - 1}"),
    ],
)
def test_number_that_is_refused(value: object, options: dict[str, object], expected: str) -> None:
    """The message repeats the value and says the whole of what is allowed."""
    (issue,) = check_number("a.b", value, 1, **options)  # type: ignore[arg-type]
    assert ("a.b", expected) == (issue.path, issue.message)


@given(st.integers(1, 10**300) | st.floats(1, allow_infinity=False))
def test_number_within_its_bounds_is_right(value: float) -> None:
    """Whole or not, a finite number within the bounds has no issue; whole numbers serve as numbers."""
    assert [] == check_number("a", value, 1)
    assert [] == check_number("a", value, value, value)
    assert isinstance(value, int) == (not check_number("a", value, 1, whole=True))


def test_null_is_right_where_it_is_allowed() -> None:
    """None is a value of a number or a text that may be left open."""
    assert [] == check_number("a", None, 1, or_null=True) == check_text("a", None, or_null=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hig", "'hig' is not one of low, high; did you mean high?"),
        ("zzz", "'zzz' is not one of low, high"),
        (None, "null is not one of low, high"),
        (["low"], "['low'] is not one of low, high"),
    ],
)
def test_choice_that_is_refused(value: object, expected: str) -> None:
    """All that is allowed is listed, and the nearest word suggested."""
    assert [f"a: {expected}"] == [str(issue) for issue in check_choice("a", value, ("low", "high"))]
    assert [] == check_choice("a", "low", ("low", "high"))


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("", {}, "'' is not text"),
        (" ", {}, "' ' is not text"),
        ("", {"blank": True}, "'' is not text"),
        ("\ud800", {}, "'\\ud800' is not text"),
        (None, {}, "null is not text"),
        (7, {"or_null": True}, "7 is not text or null; put it in quotes"),
        ([], {"meaning": "a folder"}, "[] is not a folder"),
    ],
)
def test_text_that_is_refused(value: object, options: dict[str, object], expected: str) -> None:
    """Nothing, blanks, what no file can hold, and numbers without quotes are no text."""
    assert [f"a: {expected}"] == [str(issue) for issue in check_text("a", value, **options)]  # type: ignore[arg-type]


def test_text_of_blanks_where_it_is_allowed() -> None:
    """Blanks are text where that is said; other text always is."""
    assert [] == check_text("a", " ", blank=True) == check_text("a", "é x")


@pytest.mark.parametrize(("least", "most"), [(1, 1), (1, 2), ("5", 2), (5, None), (5.0, 2), (True, 1), (4, -1), (4, 0)])
def test_order_that_is_right_or_another_check_s(least: object, most: object) -> None:
    """Counts in order have no issue, and a value that is no count takes part in no order."""
    assert [] == check_order("a", "low", least, "high", most)


def test_order_that_is_refused() -> None:
    """The issue is the lower setting's and names the other with its value."""
    (issue,) = check_order("a", "low", 3, "high", 2)
    assert "a.low: 3 is above high, which is 2; lower the one or raise the other" == str(issue)
