"""vreason_tracking.cards: whatever text comes from data, models or users is text in every form of a card, and leads nowhere."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from huggingface_hub import parse_eval_result_entries
from hypothesis import HealthCheck, given, settings, strategies as st
from markdown_it import MarkdownIt

from tests.helpers.cards import hostile
from tests.helpers.nasty_strings import NASTY
from vreason_tracking.cards import BEGIN, Evidence, bill_of_materials, check, claims_of, curve_svg, summary_of, to_html, to_readme
from vreason_tracking.cards.eval_results import HubDataset, eval_results
from vreason_tracking.cards.plain_text import unbroken
from vreason_tracking.cards.readme import parts_of
from vreason_tracking.cards.summary import read_summary

CHUNK = 20
BOM = JsonStrictValidator(SchemaVersion.V1_6)
_ALLOWED = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "pre", "section", "ul", "li", "div", "span"),
        *("table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "line", "polyline"),
    )
)


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.attributes: set[str] = set()

    @property
    def names(self) -> set[str]:
        return set(self.counts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        self.attributes |= {name for name, _ in attrs}


def require_inert(evidence: Evidence, text: str) -> None:
    """Every form of the card of evidence in which all is this text."""
    made = hostile(evidence, text)
    _require_inert_readme(made, text)
    page = to_html(made, text)
    found = Tags()
    found.feed(page)
    assert found.names <= _ALLOWED
    assert not {name for name in found.attributes if name.startswith("on") or name in ("src", "href", "action", "srcset")}
    ElementTree.fromstring(curve_svg(made.curves, made.baseline, text))
    assert BOM.validate_str(bill_of_materials(made)) is None
    for name, file in eval_results(made, {text: HubDataset("owner/name")}).items():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.yaml", name)
        assert all(entry.dataset_id for entry in parse_eval_result_entries(yaml.safe_load(file)))
    assert isinstance(json.loads(made.to_json()), dict)
    summary = summary_of(made)
    assert len(summary.to_text()) <= 5_000
    again = read_summary(summary.to_text())
    assert again is not None
    assert summary == replace(again, runs=summary.runs, curves=summary.curves)
    for form in (made.to_json(), to_readme(made, text), page, bill_of_materials(made), summary.to_text()):
        form.encode("utf-8")


def _require_inert_readme(made: Evidence, text: str) -> None:
    readme = to_readme(made, text)
    assert [] == check(readme, made)
    derived = to_readme(made)
    front, body = parts_of(derived)
    found = Tags()
    found.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(body))
    assert found.names <= {"h1", "h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "br"}
    assert found.attributes <= {"style"}  # of a column's alignment
    assert 1 == readme.splitlines().count(BEGIN)
    assert found.counts["h1"] <= 1
    assert sum(line.startswith("## ") for line in body.splitlines()) == found.counts["h2"]
    assert sum(line.startswith("### ") for line in body.splitlines()) == found.counts["h3"]
    data = yaml.safe_load(front)
    assert {"vreason", "model-index"} & set(data) == {"vreason", "model-index"}
    claims = claims_of(readme)
    assert (unbroken(made.baseline or ""), [run.journal_id or run.run_id for run in made.runs]) == (claims.baseline, list(claims.runs))
    assert made.model is not None
    assert (unbroken(made.title) or claims.title, unbroken(made.model.label)) == (claims.title, claims.model)


def test_the_corpus() -> None:
    """Two hundred texts at least, each once."""
    assert len(NASTY) >= 200


@pytest.mark.parametrize("start", range(0, len(NASTY), CHUNK))
def test_nasty_strings(evidence: Evidence, start: int) -> None:
    """No element, attribute, field, row, heading or end of the hand-written part comes out of a text; nothing is fetched from anywhere."""
    for text in NASTY[start : start + CHUNK]:
        require_inert(evidence, text)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_any_text(evidence: Evidence, text: str) -> None:
    """The same of any text at all."""
    require_inert(evidence, text)
