"""An answer as plain data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.helpers import records
from vreason.events import SampleRecord
from vreason_tracking.bundles.answers import FIELDS, Answered, as_data, error_data, trace_of

RECORD = SampleRecord(
    "s-1", "a.mp4", "q", (), "free-form", "", "", output="<think>why</think><answer>B</answer>", output_tokens=5, stopped="eos"
)


def test_every_field_and_json() -> None:
    """All of them, in whatever outcome, and JSON takes them."""
    for data in (as_data(Answered(RECORD)), error_data("s-1", "gone"), as_data(Answered(replace(RECORD, error="gone")))):
        assert set(FIELDS) == set(data)
        assert json.loads(json.dumps(data)) == data


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ("<think>why</think><answer>B</answer>", "B"),
        ("<think>why</think>It is B.", "It is B."),
        ("B", "B"),
        ("<think>cut", None),
        ("<think>why</think><answer>B", None),
    ],
)
def test_answer(output: str, answer: str | None) -> None:
    """The answer block; without one, what stands outside the reasoning; nothing of a reply that was cut off."""
    assert answer == as_data(Answered(replace(RECORD, output=output)))["answer"]


def test_truncated() -> None:
    """At the limit, and not at a stop text."""
    assert [True, False, False] == [as_data(Answered(replace(RECORD, stopped=each)))["truncated"] for each in ("length", "stop", "eos")]


def test_trace() -> None:
    """Means and ends of the steps; one value a token when all is asked for; nothing without steps."""
    steps = records.steps("s-1", 6)
    summary, full = trace_of(steps, "summary"), trace_of(steps, "full")
    assert summary is not None
    assert full is not None
    assert sum(step.entropy for step in steps) / 6 == pytest.approx(summary["mean_entropy"])
    assert steps[-1].entropy == summary["last_entropy"]
    assert [step.token_id for step in steps] == full["steps"]["token_id"]
    assert (None, None) == (trace_of(steps, "none"), trace_of([], "full"))
