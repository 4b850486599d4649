"""What the card service's pages and its API work with: the list, single cards' files and evidence, two cards side by side, histories."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from vreason_tracking.audit import AuditLog, Entry, Filter, own_details, timeline_of
from vreason_tracking.bundles import Registry, Version
from vreason_tracking.cards.difference import Difference, differences, paired_verdict
from vreason_tracking.cards.evidence import Evidence
from vreason_tracking.cards.readme import hand_written
from vreason_tracking.cards.service.index import CardEntry, CardIndex
from vreason_tracking.cards.versions import EVIDENCE, README, stored_card
from vreason_tracking.catalog import Catalog

_REMEMBERED = 64
"""Cards whose files are kept in memory, and pairs whose statistics are."""


@dataclass(frozen=True)
class StoredCard:
    """A card as it lies beside its version.

    Attributes:
        files: by name.
        evidence: out of its file.
        notes: the hand-written part.
    """

    files: Mapping[str, bytes]
    evidence: Evidence
    notes: str


@dataclass(frozen=True)
class Proved:
    """Whether a card is the one that was stored.

    Attributes:
        index: of the entry of the audit trail that has its digests; None where there is none.
        same: whether all files have them.
    """

    index: int | None
    same: bool


class CardService:
    """Reads cards for whoever looks at them.

    Args:
        index: of all cards.
        registry: opens it.
        catalog: where the raw samples of runs are looked for.
        log: the audit trail; None where none is known.
    """

    def __init__(self, index: CardIndex, registry: Callable[[], Registry], catalog: Catalog, log: AuditLog | None) -> None:
        self.index, self._registry, self._catalog, self._log = index, registry, catalog, log
        self._read = lru_cache(_REMEMBERED)(self._read_files)
        self._paired = lru_cache(_REMEMBERED)(self._compare)

    def card(self, entry: CardEntry) -> StoredCard:
        """The card itself.

        Raises:
            TrackingError: its files cannot be fetched, or are damaged.
        """
        return self._read(entry.name, entry.version, entry.summary.digest)

    def differences(self, one: CardEntry, other: CardEntry) -> list[Difference]:
        """What two cards say differently; errors as in `card`."""
        return differences(self.card(one).evidence, self.card(other).evidence)

    def paired(self, one: CardEntry, other: CardEntry) -> str:
        """What the questions that both were asked say of the second against the first.

        Raises:
            TrackingError: a run, or its raw samples, are not there.
        """
        runs = [(entry.summary.runs[0].id, entry.summary.runs[0].accuracy) for entry in (one, other)]
        return self._paired(*runs)

    def proved(self, entry: CardEntry, card: StoredCard) -> Proved:
        """Whether the card is the one whose digests were entered last.

        Raises:
            TrackingError: the audit trail cannot be read.
        """
        if self._log is None:
            return Proved(None, False)
        newest: list[Entry] = []
        for action in ("card.stored", "local.card.stored"):
            newest += self._log.entries(Filter(subject=f"model:{entry.label}", action=action), newest_first=True, limit=1)
        if not newest:
            return Proved(None, False)
        latest = max(newest, key=lambda each: each.time)
        told = own_details(latest).get("sha256")
        found = {name: hashlib.sha256(content).hexdigest() for name, content in card.files.items()}
        return Proved(latest.index, told == found)

    def history(self, name: str, limit: int = 100) -> Sequence[Entry]:
        """What the audit trail says of a model, its versions and its aliases, the newest first.

        Raises:
            TrackingError: it cannot be read.
        """
        return timeline_of(self._log, [f"model:{name}", f"model:{name}/*"], limit) if self._log is not None else []

    def _read_files(self, name: str, version: str, digest: str) -> StoredCard:
        registry = self._registry()
        found: Version = registry.find(f"{name}/{version}")
        files = stored_card(registry, found)
        evidence = Evidence.from_json(files[EVIDENCE].decode("utf-8"))
        return StoredCard(files, evidence, hand_written(files[README].decode("utf-8")))

    def _compare(self, one: tuple[str, float | None], other: tuple[str, float | None]) -> str:
        return paired_verdict(self._catalog, one[0], other[0])
