"""vreason_tracking.cards.service.index: which cards are found, in which order, and what may be chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason_tracking.cards import CardIndex, Evidence, summary_of
from vreason_tracking.cards.service.index import CardEntry, CardFilter, Cards
from vreason_tracking.web import NotFoundError

Make = Callable[..., CardEntry]


@pytest.fixture
def make(evidence: Evidence) -> Make:
    summary = summary_of(evidence)

    def entry(name: str, version: str = "1", **changes: object) -> CardEntry:
        told = {field: changes.pop(field) for field in ("finding", "base_model", "methods", "benchmarks") if field in changes}
        fields = {"aliases": (), "signed": False, "retired": None, "created": "2026", "created_by": "ada", "stale": ()} | changes
        return CardEntry(name, version, summary=replace(summary, **told), **fields)  # type: ignore[arg-type]

    return entry


def test_filters(make: Make) -> None:
    """Each narrows the list down by itself; all words of a search have to be there, in whatever case."""
    entries = {
        "plain": make("plain"),
        "signed": make("signed", signed=True, base_model="Qwen/Qwen2.5-VL-7B"),
        "stale": make("stale", stale=["gone"], methods=["lite"], benchmarks=["MMVU"]),
        "alias": make("alias", aliases=("champion",), finding="Better by FAR"),
    }

    def found(**wanted: str) -> set[str]:
        return {name for name, entry in entries.items() if CardFilter(**wanted).fits(entry)}

    assert set(entries) == found()
    assert {"signed"} == found(signed="yes") == found(base_model="Qwen/Qwen2.5-VL-7B") == found(q="qwen2.5 SIGNED")
    assert {"stale"} == found(stale="yes") == found(method="lite") == found(benchmark="MMVU")
    assert {"alias"} == found(alias="champion") == found(q="better far") == found(q="champion")
    assert {"plain", "alias"} == found(signed="no", stale="no")
    assert set() == found(q="better nothing") == found(alias="champ") == found(method="LITE")
    assert set(entries) == found(q="ADA")


def test_the_address_of_a_filter() -> None:
    """What is asked for stands in it, what is not does not."""
    assert "q=a+b&signed=yes&page=3" == CardFilter(q="a b", signed="yes").address(3)
    assert "" == CardFilter().address(1)


def test_an_alias_stands_for_its_version(make: Make) -> None:
    """By its name, unless a version is called so."""
    cards = Cards([make("m", "2", aliases=("best",)), make("m", "1")], 0)
    assert ("2", "1") == (cards.by_label["m/best"].version, cards.by_label["m/1"].version)
    assert ["best"] == cards.choices.aliases


def test_read_from_a_registry(bundles: BundleWorld) -> None:
    """The cards of its versions; one that is not there is said to be none."""
    index = CardIndex(lambda: bundles.registry, list)
    (entry,) = index.search(CardFilter(q="shapes"))
    assert ("shapes/1", ("champion",), False) == (entry.label, tuple(entry.aliases), entry.signed)
    assert entry.stale, "of no run that the store has, for there is none"
    assert entry == index.find("shapes", "champion") == index.find("shapes", "@champion") == index.of_model("shapes")[0]
    with pytest.raises(NotFoundError, match="no card of shapes/2"):
        index.find("shapes", "2")


def test_versions_without_a_card_are_counted(own_bundles: BundleWorld) -> None:
    own_bundles.register("baseline")
    cards = CardIndex(lambda: own_bundles.registry, list).cards()
    assert (1, 1) == (len(cards.entries), cards.without)
