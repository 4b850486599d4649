"""The answer out of a reply: what counts in each profile, by the table of docs/scoring.md and for any text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from vreason.prompts import PROBLEM_TYPES
from vreason.scoring.answers import extract_answer, extract_reasoning, scored_text, split_reply
from vreason.scoring.scorers import PROFILES, score

DOCS = Path(__file__).parents[3] / "docs" / "scoring.md"
ROWS = re.findall(
    r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", DOCS.read_text(encoding="utf-8").split("## Which part of a reply")[1].split("##")[0], re.MULTILINE
)


def cell(text: str | None) -> str:
    return "no answer" if text is None else f"`{text}`"


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_table_of_the_docs(row) -> None:
    """What is scored of each reply."""
    reply, robust, video_r1 = row
    assert (robust, video_r1) == (cell(scored_text(reply, "robust")), cell(scored_text(reply, "video-r1")))


def test_the_table_has_rows() -> None:
    """All of them were found."""
    assert len(ROWS) >= 16


@settings(deadline=None, max_examples=60)
@given(st.text(), st.text(), st.text())
def test_any_text_is_found_between_its_tags(before: str, answer: str, after: str) -> None:
    """Whatever stands in the tag comes back stripped, whatever stands around it."""
    plain = [part.replace("<", "") for part in (before, answer, after)]
    assert (plain[1].strip() or None) == extract_answer(f"{plain[0]}<answer>{plain[1]}</answer>{plain[2]}")


PIECES = ["<think>", "</think>", "<answer>", "</answer>", "B", "blue", " 3 ", "\n", "because"]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from(PROFILES), st.sampled_from(PROBLEM_TYPES))
def test_reasoning_earns_nothing(rest: str, profile: str, kind: str) -> None:
    """What a reply holds inside its reasoning changes no score, and a reply that ends inside it scores 0."""
    expected = {"multiple choice": "B", "numerical": "3", "regression": "3"}.get(kind, "blue")
    inside = f"<think>{expected} <answer>{expected}</answer> {expected}"
    options = ("red", "blue")

    def points(reply: str) -> float:
        return score(scored_text(reply, profile), expected, kind, options, profile)  # type: ignore[arg-type]

    assert 0.0 == points(inside) == points(rest.replace("<", "").replace(">", "") + inside)
    if not split_reply(rest).cut_off and "</think>" not in rest:
        assert points(rest) == points(f"{inside}</think>{rest}")


@pytest.mark.parametrize(
    ("output", "reasoning"),
    [
        ("<think> it goes\nleft </think><answer>A</answer>", "it goes\nleft"),
        ("<think>one</think><think>two</think>", "one\ntwo"),
        ("the prompt opened it</think><answer>A</answer>", "the prompt opened it"),
        ("<think>it was cut", "it was cut"),
        ("It goes left. <answer>A</answer>", "It goes left."),
        ("no tag at all ", "no tag at all"),
        ("<answer>A</answer>", ""),
    ],
)
def test_reasoning(output: str, reasoning: str) -> None:
    """The text of the think tags; without one, what stands before the answer."""
    assert reasoning == extract_reasoning(output)
