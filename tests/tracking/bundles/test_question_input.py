"""A caller's record: what is taken, what is left out, and every fault with its field."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vreason.benchmarks import Sample
from vreason.errors import ConfigError
from vreason_tracking.bundles.question_input import question_input


def test_whole_record() -> None:
    """Every field arrives; options make it multiple choice."""
    made = question_input({"video": "a.mp4", "question": "What?", "options": ["x", "y"], "id": "s-1"})
    assert Sample("s-1", "a.mp4", "What?", "", "multiple choice", ("x", "y")) == made


def test_out_of_a_data_frame() -> None:
    """Arrays are lists, NaN is nothing."""
    made = question_input({"video": float("nan"), "question": "What?", "options": np.array(["x", "y"], object), "problem_type": None})
    assert ("", ("x", "y"), "multiple choice") == (made.video, made.options, made.problem_type)


def test_a_name_of_its_own() -> None:
    """A record without an id has one of its contents, the same each time."""
    first, again, other = (question_input({"question": text}).sample_id for text in ("a", "a", "b"))
    assert first == again != other


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("text", "record: 'text' is not a record"),
        ({}, "record.question: is missing"),
        ({"question": " "}, "record.question"),
        ({"question": 3}, "3 is not a text"),
        ({"question": "x" * 20_001}, "20000 is the most"),
        ({"question": "\ud800"}, "surrogate"),
        ({"question": "q", "vidoe": "a"}, "did you mean video?"),
        ({"question": "q", "video": 3}, "record.video"),
        ({"question": "q", "options": "ABC"}, "not a list of texts"),
        ({"question": "q", "options": ["a"] * 27}, "more than 26"),
        ({"question": "q", "problem_type": "riddle"}, "not one of multiple choice"),
        ({"question": "q", "problem_type": "multiple choice"}, "record.options: is missing"),
        ({"question": "q", "id": "x" * 201}, "record.id"),
    ],
)
def test_faults(record: Any, words: str) -> None:
    """Each names its field and what would be right."""
    with pytest.raises(ConfigError) as caught:
        question_input(record)
    assert words in str(caught.value)
