"""vreason.scoring.numbers: a number is read in every way of writing it, and refused where it is ambiguous."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings, strategies as st

from vreason.scoring.numbers import number_of
from vreason.scoring.scorers import score


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("3.", 3),
        ("-3", -3),
        ("+3", 3),
        (".5", 0.5),
        ("-0.25", -0.25),
        ("1e3", 1000),
        ("1.5E-2 m", 0.015),
        ("1,234.5 m", 1234.5),
        ("-1,234,567", -1234567),
        ("$1,000", 1000),
        ("100000", 100000),
        ("50%", 50),
        ("3 apples", 3),
        ("about 3.5 meters, I think", 3.5),
        ("x=-2", -2),
        ("There are 4.", 4),
        ("four", 4),
        ("Twenty shapes", 20),
        ("zero", 0),
        ("There are seventeen of them", 17),
    ],
)
def test_numbers(text: str, number: float) -> None:
    """Numbers with signs, units, separators, exponents, and in words."""
    assert number == number_of(text)
    assert 1.0 == score(text, f"{number:.3f}", "numerical")


@pytest.mark.parametrize("text", ["", "-", "many", "someone", "often", "inf", "nan", "...", "e", "phone"])
def test_no_number_is_none(text: str) -> None:
    """Text without a number, also with a number's name inside a word."""
    assert number_of(text) is None
    assert 0.0 == score(text, "1", "numerical")


@pytest.mark.parametrize(("text", "number"), [("frame5", 5), ("page2 of the book", 2), ("blue3", 3)])
def test_a_number_behind_the_letter_e(text: str, number: float) -> None:
    """An "e" that ends a word is no exponent."""
    assert number == number_of(text)


@pytest.mark.parametrize(("text", "number"), [("twenty-one", 21), ("twenty one", 21), ("one hundred", 100), ("two thousand", 2000)])
def test_larger_number_words_are_right_or_unread(text: str, number: float) -> None:
    """A number word beyond twenty is read in full or not at all, never as another number."""
    assert number_of(text) in (number, None)


@pytest.mark.parametrize(("text", "number"), [("\u22123", -3), ("\u22121.5 m", -1.5), ("B-52", 52), ("COVID-19", 19)])
def test_minus_and_hyphen(text: str, number: float) -> None:
    """The typographic minus is a minus; a hyphen inside a word is none."""
    assert number == number_of(text)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, 10**9),
    st.sampled_from(["", ",", " ", "\u00a0", "\u202f", "\u2009", "'", "{,}", r"\,"]),
    st.sampled_from(
        ["{}", "{} m", "{} m²", "${}$", r"\boxed{{{}}}", "**{}**", "about {} km", "The answer is {}.", "{} %", "≈ {} kg", "= {}"]
    ),
    st.booleans(),
)
def test_a_grouped_number_is_not_lost(number, mark, form, negative) -> None:
    """Whatever groups its digits and whatever stands around it."""
    assert (-number if negative and number else number) == number_of(
        form.format("-" * (negative and number > 0) + f"{number:,}".replace(",", mark))
    )


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**4), st.integers(1, 99), st.sampled_from([".", ","]), st.sampled_from(["-", "\u2212", "\u2013", "minus ", ""]))
def test_decimals(whole, part, mark, sign) -> None:
    """With a point or a comma, and every sign that means minus."""
    number = float(f"{whole}.{part:02d}")
    assert (-number if sign else number) == number_of(f"{sign}{whole}{mark}{part:02d}")


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 500),
    st.integers(0, 500),
    st.sampled_from(["{} or {}", "{}-{}", "{} to {}", "{}–{}", "between {} and {}", "{}, {}", "{} and {}", "{}/{}/2020"]),
)
def test_two_numbers_are_none(one, other, form) -> None:
    """Alternatives, ranges, lists and dates state no number."""
    assume(one != other)
    assume(form != "{}, {}" or other < 100)
    assert number_of(form.format(one, other)) is None


@pytest.mark.parametrize("text", ["1,2,3", "1,23,4", "1.234.56", "1 23", "10:30"])
def test_malformed_numbers_are_none(text) -> None:
    """Digits that are grouped in no known way are rather left unread than read in part."""
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(
            ("1/2", 0.5),
            ("1 1/2", 1.5),
            ("½", 0.5),
            ("2½", 2.5),
            (r"\frac{3}{4}", 0.75),
            ("10^3", 1000),
            ("2 × 10^3", 2000),
            ("2 × 10³", 2000),
        ),
        *(
            (r"1.2 \times 10^{4}", 12000),
            ("1.234,5", 1234.5),
            ("12,34,567", 1234567),
            ("3 million", 3e6),
            ("2 + 3 = 5", 5),
            ("12 m (39 ft)", 12),
        ),
        *(("5 m/s2", 5), ("5 cm^2", 5), ("3 chairs (2 red, 1 blue)", 3), ("minus five", -5), ("\uff11\uff12", 12)),
    ],
)
def test_ways_of_writing(text, number) -> None:
    """Fractions, powers, scales, results of sums, what stands in brackets, units with exponents, full-width digits."""
    assert number == pytest.approx(number_of(text))
