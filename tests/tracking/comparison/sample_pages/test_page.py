"""vreason_tracking.comparison.sample_pages.page: a page's id in the document, and a reply's verdict."""

from __future__ import annotations

import re

import pytest

from vreason_tracking.comparison.sample_pages.page import Reply, SamplePage, anchor
from vreason_tracking.records.outcome import OUTCOMES


def reply(score):
    """One with this score, and nothing else."""
    return Reply("v-reason", "id", score, None, None, "", (), None, None, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s-1", r"sample-s-1-[0-9a-f]{10}"),
        ("Video/MME #7?.mp4", r"sample-video-mme-7-mp4-[0-9a-f]{10}"),
        ("مرحبا", r"sample-[0-9a-f]{10}"),
        ("", r"sample-[0-9a-f]{10}"),
        ("x" * 500, r"sample-x{40}-[0-9a-f]{10}"),
        ("\ud800", r"sample-[0-9a-f]{10}"),
    ],
)
def test_anchors(name, expected) -> None:
    """Letters, digits and hyphens, whatever the id holds."""
    assert re.fullmatch(expected, anchor(name))


def test_anchors_differ() -> None:
    """Also where what can be read of the ids is the same; and they never change."""
    names = ["a b", "a/b", "A B", "a b ", "a-b"]
    assert len(names) == len({anchor(name) for name in names})
    assert "sample-a-b-2847e54c57" == anchor("a b")


def test_a_page_has_its_samples_anchor() -> None:
    """Links to a sample are made of its id alone."""
    page = SamplePage("a b", "?", (), "B", "", "", "", "", None, (), "", (reply(1.0),))
    assert anchor("a b") == page.anchor


@pytest.mark.parametrize(("score", "expected"), [(1.0, "right"), (0.999, "partly"), (1e-9, "partly"), (0.0, "wrong"), (None, "failed")])
def test_verdicts(score, expected) -> None:
    """Full marks, some, none, no score."""
    assert expected == reply(score).verdict


def test_the_template_has_words_for_every_verdict() -> None:
    """A badge and its colour, for each."""
    from importlib.resources import files

    templates = files("vreason_tracking.comparison") / "templates"
    markup, style = ((templates / name).read_text(encoding="utf-8") for name in ("sample.html.j2", "sample.css"))
    assert [] == [name for name in OUTCOMES if f'"{name}": ' not in markup or f".badge.{name} " not in style]
