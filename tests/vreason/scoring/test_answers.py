"""The answer out of a reply: the first answer tag, stripped; nothing where there is none or it is empty."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from vreason.scoring.answers import extract_answer, extract_reasoning


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ("<think>left</think><answer>A</answer>", "A"),
        ("<answer>  B \n</answer>", "B"),
        ("<answer>two\nlines</answer>", "two\nlines"),
        ("<answer>A</answer> no: <answer>B</answer>", "A"),
        ("<answer>1 < 2 > 0</answer>", "1 < 2 > 0"),
        ("text before <answer>(C) down</answer> text after", "(C) down"),
    ],
)
def test_the_first_tag_counts(output: str, answer: str) -> None:
    """The first tag's text, up to its own end, across lines, stripped."""
    assert answer == extract_answer(output)


@pytest.mark.parametrize(
    "output",
    [
        *("", "A", "<answer>A", "A</answer>", "<ANSWER>A</ANSWER>"),
        *("<answer></answer>", "<answer> \n </answer>", "<answer></answer><answer>B</answer>"),
    ],
)
def test_no_answer_is_none(output: str) -> None:
    """No tag, an open tag, or an empty first tag: there is no extracted answer."""
    assert extract_answer(output) is None


@settings(deadline=None, max_examples=60)
@given(st.text(), st.text(), st.text())
def test_any_text_is_found_between_its_tags(before: str, answer: str, after: str) -> None:
    """Whatever stands in the first tag comes back stripped, whatever stands around it."""
    plain = [part.replace("<", "") for part in (before, answer, after)]
    assert (plain[1].strip() or None) == extract_answer(f"{plain[0]}<answer>{plain[1]}</answer>{plain[2]}")


@pytest.mark.parametrize(
    ("output", "reasoning"),
    [
        ("<think> it goes\nleft </think><answer>A</answer>", "it goes\nleft"),
        ("<think>one</think><think>two</think>", "one"),
        ("It goes left. <answer>A</answer>", "It goes left."),
        ("no tag at all ", "no tag at all"),
        ("<answer>A</answer>", ""),
    ],
)
def test_reasoning(output: str, reasoning: str) -> None:
    """The first think tag's text; without one, what stands before the answer."""
    assert reasoning == extract_reasoning(output)
