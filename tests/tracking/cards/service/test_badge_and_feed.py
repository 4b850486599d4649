"""vreason_tracking.cards.service: badges and the feed are well-formed whatever a card says, and lead nowhere else."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.helpers.nasty_strings import NASTY
from vreason_tracking.cards import Evidence, summary_of
from vreason_tracking.cards.service.badge import FIGURES, badge
from vreason_tracking.cards.service.feed import ENTRIES, atom_feed
from vreason_tracking.cards.service.index import CardEntry

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def entry(evidence: Evidence) -> CardEntry:
    return CardEntry("shapes", "3", ("champion",), True, None, "2026-11-27T00:00:00Z", "ada", (), summary_of(evidence))


def label(svg: str) -> str:
    return ElementTree.fromstring(svg).get("aria-label", "")


def test_what_badges_say(entry: CardEntry) -> None:
    """Accuracy with its interval, signature, and whether the card is still true."""
    assert label(badge(entry, "accuracy")).startswith("shapes/3 on shapes: ")
    assert "%" in label(badge(entry, "accuracy"))
    assert ("shapes/3: signed", "card of shapes/3: not stale") == tuple(label(badge(entry, each)) for each in FIGURES[1:])
    stale = replace(entry, stale=["gone"], signed=False)
    assert label(badge(stale, "accuracy")).endswith(", stale")
    assert ("shapes/3: unsigned", "card of shapes/3: stale") == tuple(label(badge(stale, each)) for each in FIGURES[1:])
    assert label(badge(replace(entry, retired="slow"), "state")).endswith("retired")
    unknown = replace(entry, summary=replace(entry.summary, accuracy=None, low=None, high=None, benchmarks=["a", "b"]))
    assert "shapes/3 on 2 benchmarks: not known" == label(badge(unknown, "accuracy"))


def test_any_text(entry: CardEntry) -> None:
    """No element or attribute comes out of a name; the address of a page is that of this server."""
    for text in NASTY:
        hostile = replace(entry, name=text, created_by=text, summary=replace(entry.summary, finding=text, title=text, benchmarks=[text]))
        for figure in FIGURES:
            root = ElementTree.fromstring(badge(hostile, figure))
            assert {"svg", "title", "rect", "g", "text"} >= {each.tag.rpartition("}")[2] for each in root.iter()}
        feed = ElementTree.fromstring(atom_feed([hostile], "https://team.example"))
        assert all(each.get("href", "").startswith("https://team.example/vreason/cards") for each in feed.iter(f"{ATOM}link"))
        assert 1 == len(feed.findall(f"{ATOM}entry"))


def test_the_feed(entry: CardEntry) -> None:
    """The newest entries, each with what Atom asks for; without a card there is an empty feed."""
    feed = ElementTree.fromstring(atom_feed([entry] * (ENTRIES + 1), "http://here"))
    entries = feed.findall(f"{ATOM}entry")
    assert ENTRIES == len(entries)
    for name in ("title", "id", "updated", "summary", "author"):
        assert entries[0].find(f"{ATOM}{name}") is not None
    assert entry.summary.finding == entries[0].findtext(f"{ATOM}summary")
    assert entry.created == feed.findtext(f"{ATOM}updated")
    assert 0 == len(ElementTree.fromstring(atom_feed([], "http://here")).findall(f"{ATOM}entry"))
