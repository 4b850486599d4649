"""MLflow's forms of records, and what is none of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.invocations import records_of

ROWS = [{"video": "a", "question": "x"}, {"video": "b", "question": "y"}]


@pytest.mark.parametrize(
    "data",
    [
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"inputs": ROWS},
        {"dataframe_split": {"columns": ["video", "question"], "data": [["a", "x"], ["b", "y"]]}},
        {"dataframe_split": {"index": [0, 1], "columns": ["video", "question"], "data": [["a", "x"], ["b", "y"]]}},
        {"inputs": {"video": ["a", "b"], "question": ["x", "y"]}},
    ],
)
def test_forms(data: dict[str, Any]) -> None:
    """All of them are the same records."""
    assert (ROWS, {"seed": 1}) == records_of(json.dumps({**data, "params": {"seed": 1}}).encode())


def test_one_record() -> None:
    """As `inputs`, with its options as they are."""
    one = {"question": "x", "options": ["a", "b"]}
    assert ([one], {}) == records_of(json.dumps({"inputs": one}).encode())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"inputs": NaN}', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "has 0 of"),
        (b'{"inputs": [], "instances": []}', "has 2 of"),
        (b'{"inputs": 5}', "no list of records"),
        (b'{"dataframe_records": {"a": 1}}', "no list of records"),
        (b'{"dataframe_split": []}', "no columns"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', "no columns"),
        (b'{"inputs": {"a": [1], "b": [1, 2]}}', "differ in length"),
        (b'{"inputs": {"question": ["a", "b"], "options": ["x"]}}', "another length"),
        (b'{"inputs": [], "params": 3}', "params"),
        (b'{"inputs": [], "parameters": {}}', "parameters: is not known here"),
    ],
)
def test_wrong_bodies(body: bytes, words: str) -> None:
    """400, with what is wrong."""
    with pytest.raises(RequestError) as caught:
        records_of(body)
    assert 400 == caught.value.status
    assert words in caught.value.message
