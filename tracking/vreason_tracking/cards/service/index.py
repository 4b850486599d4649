"""The list of cards: read from the registry's tags, searched and filtered in memory. Ten thousand of them are some tens of megabytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from urllib.parse import quote, urlencode

from vreason_tracking.bundles import Registry, Version
from vreason_tracking.cards.plain_text import valid
from vreason_tracking.cards.service.staleness import RunState, RunStates, stale_reasons
from vreason_tracking.cards.summary import Summary
from vreason_tracking.cards.versions import stored_summary
from vreason_tracking.catalog import iso
from vreason_tracking.web import Kept, NotFoundError

PAGE = 24
"""Cards of a page."""


@dataclass(frozen=True)
class CardEntry:
    """A card in the list.

    Attributes:
        name, version: of the model.
        aliases: that point at the version, in alphabetical order.
        signed: whether a signature over its files lies in it.
        retired: why it is not to be used any more; None where it may be.
        created, created_by: when it was registered (ISO 8601, UTC), and by whom.
        stale: why it is not to be relied on any more; empty where nothing speaks against it.
        summary: of the card.
    """

    name: str
    version: str
    aliases: Sequence[str]
    signed: bool
    retired: str | None
    created: str
    created_by: str
    stale: Sequence[str]
    summary: Summary

    @property
    def label(self) -> str:
        """As it is written: "NAME/3"."""
        return f"{self.name}/{self.version}"

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/vreason/cards/{quote(valid(self.name), safe='')}/{quote(valid(self.version), safe='')}"

    @cached_property
    def text(self) -> str:
        """What a search looks in, in small letters."""
        told = self.summary
        parts = (self.label, told.title, told.finding, told.base_model, *told.methods, *told.benchmarks, *self.aliases, self.created_by)
        return "\n".join(parts).lower()


@dataclass(frozen=True)
class CardFilter:
    """What somebody looks for, as it stands in an address; "" takes all.

    Attributes:
        q: words, all of which have to be there.
        base_model, method, benchmark, alias: one of those that the cards have.
        signed, stale: "yes" or "no".
    """

    q: str = ""
    base_model: str = ""
    method: str = ""
    benchmark: str = ""
    alias: str = ""
    signed: str = ""
    stale: str = ""

    def fits(self, entry: CardEntry) -> bool:
        """Whether a card is one of those."""
        told = entry.summary
        return (
            self.base_model in ("", told.base_model)
            and (not self.method or self.method in told.methods)
            and (not self.benchmark or self.benchmark in told.benchmarks)
            and (not self.alias or self.alias in entry.aliases)
            and self.signed in ("", _word(entry.signed))
            and self.stale in ("", _word(bool(entry.stale)))
            and all(word in entry.text for word in self.q.lower().split())
        )

    def address(self, page: int) -> str:
        """The query of a page of what fits."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return urlencode({name: value for name, value in told.items() if value} | ({"page": page} if page > 1 else {}))


@dataclass(frozen=True)
class Choices:
    """What may be chosen in a filter, in alphabetical order."""

    base_models: Sequence[str]
    methods: Sequence[str]
    benchmarks: Sequence[str]
    aliases: Sequence[str]


@dataclass(frozen=True)
class Cards:
    """All cards of a registry, the newest first.

    Attributes:
        entries: every card.
        without: versions that have none.
    """

    entries: Sequence[CardEntry]
    without: int

    @cached_property
    def by_label(self) -> Mapping[str, CardEntry]:
        """By "NAME/3" and by "NAME/alias"."""
        aliased = {f"{each.name}/{alias}": each for each in self.entries for alias in each.aliases}
        return aliased | {each.label: each for each in self.entries}

    @cached_property
    def choices(self) -> Choices:
        """Of the filters."""
        told = [each.summary for each in self.entries]
        return Choices(
            _sorted(each.base_model for each in told),
            _sorted(name for each in told for name in each.methods),
            _sorted(name for each in told for name in each.benchmarks),
            _sorted(alias for each in self.entries for alias in each.aliases),
        )


class CardIndex:
    """The cards of a registry; read anew when they are older than `vreason_tracking.web.Kept` keeps them.

    Args:
        registry: opens it.
        runs: of the store, now.
    """

    def __init__(self, registry: Callable[[], Registry], runs: Callable[[], Iterable[RunState]]) -> None:
        self._registry, self._runs = registry, runs
        self._kept: Kept[Cards] = Kept(self._read)

    def cards(self) -> Cards:
        """All of them.

        Raises:
            TrackingError: the registry or the store cannot be read.
        """
        return self._kept.get()

    def search(self, wanted: CardFilter) -> list[CardEntry]:
        """Those that fit, the newest first; errors as in `cards`."""
        return [entry for entry in self.cards().entries if wanted.fits(entry)]

    def find(self, name: str, version: str) -> CardEntry:
        """The card of a version, which an alias may name.

        Raises:
            NotFoundError: there is none.
            TrackingError: as in `cards`.
        """
        found = self.cards().by_label.get(f"{name}/{version.removeprefix('@')}")
        if found is None:
            raise NotFoundError(f"there is no card of {name}/{version}; the list of cards shows those that are there")
        return found

    def labelled(self, label: str) -> CardEntry:
        """The card of "NAME/3", "NAME/alias" or "NAME@alias"; errors as in `find`."""
        name, _, version = label.strip().replace("@", "/", 1).rpartition("/")
        return self.find(name, version)

    def of_model(self, name: str) -> list[CardEntry]:
        """A model's cards, the newest first; errors as in `cards`."""
        return [entry for entry in self.cards().entries if entry.name == name]

    def _read(self) -> Cards:
        versions, states = self._registry().versions(), RunStates(self._runs())
        read = [(version, stored_summary(version)) for version in versions]
        entries = [_entry(version, summary, states) for version, summary in read if summary is not None]
        entries.sort(key=lambda entry: (entry.created, entry.label), reverse=True)
        return Cards(entries, len(versions) - len(entries))


def _entry(version: Version, summary: Summary, states: RunStates) -> CardEntry:
    return CardEntry(
        name=version.name,
        version=version.version,
        aliases=version.aliases,
        signed=version.signed,
        retired=version.retired,
        created=iso(version.created_ms),
        created_by=version.created_by,
        stale=stale_reasons(summary, states),
        summary=summary,
    )


def _word(answer: bool) -> str:
    return "yes" if answer else "no"


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name}, key=str.lower)
