"""vreason_tracking.cards.summary: what stands as a tag on a version, and what somebody else has put there, which is no summary."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.helpers.cards import registered
from vreason_tracking.cards import Evidence, finding, own_run, summary_of
from vreason_tracking.cards.summary import read_summary


def test_read_back(evidence: Evidence) -> None:
    """As it was; with thirty runs as many as there is room for, the own one and its baseline first."""
    summary = summary_of(registered(evidence))
    assert summary == read_summary(summary.to_text())
    many = replace(summary, runs=[*summary.runs, *(replace(summary.runs[0], id=f"{number:032}") for number in range(60))])
    again = read_summary(many.to_text())
    assert again is not None
    assert (many.runs[:2], True) == (again.runs[:2], 2 <= len(again.runs) < 62)


def test_the_finding(evidence: Evidence) -> None:
    """The verdict of the own run; of a single run, what it got right."""
    assert ("v-reason", evidence.verdicts[0]) == (own_run(evidence).name, finding(evidence))
    single = replace(evidence, runs=evidence.runs[:1], baseline=None, verdicts=[])
    assert finding(single).startswith("baseline: ")
    assert "questions right" in finding(single)


@pytest.mark.parametrize(
    "changed",
    [
        {"runs": []},
        {"accuracy": 9.9},
        {"runs": [{"id": "x", "identity": "", "accuracy": -1, "stored": True}]},
        {"curves": [{"run": "x", "tokens": [0, 1], "entropy": [1, 1], "ema": [1], "samples": [1, 1], "peak": 0}]},
        {"curves": [{"run": "x", "tokens": [], "entropy": [], "ema": [], "samples": [], "peak": 0}]},
        {"curves": [{"run": "x", "tokens": [1, 0], "entropy": [1, 1], "ema": [1, 1], "samples": [1, 1], "peak": 0}]},
        {"curves": [{"run": "x", "tokens": [-(10**400), 1], "entropy": [1, 1], "ema": [1, 1], "samples": [1, 1], "peak": 0}]},
        {"curves": [{"run": "x", "tokens": [0, 10**400], "entropy": [1, 1], "ema": [1, 1], "samples": [1, 1], "peak": 0}]},
        {"curves": [{"run": "x", "tokens": [0, 1], "entropy": [1, 1], "ema": [1, 1e300], "samples": [1, 1], "peak": 0}]},
    ],
)
def test_what_is_no_summary(evidence: Evidence, changed: dict[str, object]) -> None:
    """Nothing that could not be drawn or is no share is taken for one."""
    assert read_summary(json.dumps({**json.loads(summary_of(evidence).to_text()), **changed})) is None


def test_other_texts() -> None:
    for text in ("", "[" * 200_000, "nan", '{"title": NaN}'):
        assert read_summary(text) is None
