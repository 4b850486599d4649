"""Text out of tokens, piece by piece: joined it is what the tokens decode to in one go, and a stop text never shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers import tiny_models
from vreason.generation.engine.text_stream import TextStream

TEXTS = [
    "A. The ball.",
    "naïve — “quoted”",
    "日本語のテキスト",
    "e\u0301 and 👩‍👩‍👧‍👦 family",
    "  leading",
    "line\nbreak\n\n",
    "<think>x</think><answer>B</answer>",
]


@pytest.fixture(scope="module")
def words() -> Any:
    return tiny_models.tokenizer()


def pieces(words: Any, ids: list[int], stop: tuple[str, ...] = ()) -> tuple[list[str], TextStream]:
    stream = TextStream(words, stop)
    return [*(stream.add(each) for each in ids), stream.end()], stream


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_join(words: Any, text: str) -> None:
    """Characters of several bytes come whole, in the piece of the token that completes them."""
    ids = words(text, add_special_tokens=False)["input_ids"]
    told, stream = pieces(words, ids)
    assert words.decode(ids, skip_special_tokens=True) == "".join(told) == stream.text
    assert not any("\N{REPLACEMENT CHARACTER}" in each for each in told)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=40))
def test_any_tokens_join(words: Any, ids: list[int]) -> None:
    """Whatever a model writes, broken UTF-8 included, the pieces are the text."""
    ids = [each % len(words) for each in ids]
    told, _ = pieces(words, ids)
    assert words.decode(ids, skip_special_tokens=True) == "".join(told)


@pytest.mark.parametrize(
    ("stop", "expected"), [((" ball",), "A. The"), (("The ball", "A. Th"), ""), (("absent",), "A. The ball."), ((".",), "A")]
)
def test_stop(words: Any, stop: tuple[str, ...], expected: str) -> None:
    """The text ends before the first stop text, and no piece shows the beginning of one."""
    ids = words("A. The ball.", add_special_tokens=False)["input_ids"]
    told, stream = pieces(words, ids, stop)
    assert expected == "".join(told) == stream.text
    assert (expected != "A. The ball.") == stream.stopped


def test_the_stop_text_that_is_complete_first_counts(words: Any) -> None:
    """Of two stop texts the one ends the reply whose last token comes first."""
    ids = words("one two three", add_special_tokens=False)["input_ids"]
    assert "one " == pieces(words, ids, ("two", " two three"))[1].text
