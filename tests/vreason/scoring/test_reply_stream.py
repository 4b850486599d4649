"""A reply in pieces: reasoning and content come out as they would of the whole, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from vreason.scoring import ReplyStream, split_text

REPLIES = [
    ("<think>a b</think><answer>C</answer>", "a b", "C"),
    ("<THINKING> a </THINKING>\n\nThe answer: <answer>C</answer>.", "a ", "The answer: C."),
    ("plain", "", "plain"),
    ("1 < 2 and <b>x</b>", "", "1 < 2 and <b>x</b>"),
    ("<think>cut off", "cut off", ""),
    ("before <think>in</think> after", "in", "before after"),
    ("<think>a <thin k> b</think>c<", "a <thin k> b", "c<"),
]


@pytest.mark.parametrize(("text", "reasoning", "content"), REPLIES)
def test_whole(text: str, reasoning: str, content: str) -> None:
    """Tags go, text stays."""
    assert {"reasoning": reasoning, "content": content} == split_text(text)


@given(st.sampled_from([text for text, *_ in REPLIES]), st.lists(st.integers(1, 7), min_size=1), st.booleans())
def test_any_cut(text: str, sizes: list[int], opened: bool) -> None:
    """Cut anywhere, the parts are the same, and a tag never shows."""
    stream, found, place, turn = ReplyStream(opened), {"reasoning": "", "content": ""}, 0, 0
    parts = []
    while place < len(text):
        size = sizes[turn % len(sizes)]
        parts += stream.feed(text[place : place + size])
        place, turn = place + size, turn + 1
    for kind, part in [*parts, *stream.end()]:
        found[kind] += part
    assert split_text(text, opened) == found


def test_told_as_it_comes() -> None:
    """Nothing is held back but what may be a tag."""
    stream = ReplyStream()
    assert [("reasoning", "one ")] == stream.feed("<think>one ")
    assert [] == stream.feed("</th")
    assert [("content", "two")] == stream.feed("ink>two")


def test_opened_by_the_prompt() -> None:
    """What the prompt has opened need not be opened again."""
    assert {"reasoning": "a", "content": "b"} == split_text("a</think>b", opened=True)
