"""What the card service's pages and its API work with: the list, single cards' files and evidence, two cards side by side, histories."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from vreason.errors import TrackingError
from vreason_tracking.audit import LOCAL_PREFIX, AuditLog, Entry, Filter, own_details, timeline_of
from vreason_tracking.bundles import Registry
from vreason_tracking.cards.difference import Difference, differences, paired_verdict
from vreason_tracking.cards.evidence import Evidence
from vreason_tracking.cards.folder_check import EVIDENCE, README
from vreason_tracking.cards.readme import hand_written
from vreason_tracking.cards.service.index import CardEntry, CardIndex
from vreason_tracking.cards.sources import changed_files
from vreason_tracking.cards.summary import summary_of
from vreason_tracking.cards.versions import files_digest, stored_card
from vreason_tracking.catalog import Catalog

_REMEMBERED_FOR = 60.0
"""Seconds after which files are read again, for somebody may have changed them."""
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
        listed: whether the list says of the card what the card says.
    """

    index: int | None
    same: bool
    listed: bool


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
        return self._read(entry.name, entry.version, entry.summary.files, int(time.monotonic() // _REMEMBERED_FOR))

    def changed(self, card: StoredCard) -> list[str]:
        """What the card rests on and was stored anew since, a sentence a file; empty where no audit trail is known.

        Raises:
            TrackingError: the audit trail cannot be read.
        """
        if self._log is None:
            return []
        found = [each for run in card.evidence.runs for each in changed_files(run, self._log)]
        return [f"{each.where} has been stored anew since this card was made: {each.record}." for each in found]

    def differences(self, one: CardEntry, other: CardEntry) -> list[Difference]:
        """What two cards say differently; errors as in `card`."""
        return differences(self.card(one).evidence, self.card(other).evidence)

    def paired(self, one: CardEntry, other: CardEntry) -> str:
        """What the questions that both were asked say of the second against the first; or that their raw samples are not at hand."""
        runs = [(entry.summary.runs[0].id, entry.summary.runs[0].accuracy) for entry in (one, other)]
        try:
            return self._paired(*runs)
        except TrackingError as error:
            return f"The raw samples of both are not at hand, and nothing is said question by question: {error}"

    def proved(self, entry: CardEntry, card: StoredCard) -> Proved:
        """Whether the card is the one whose digests were entered last.

        Raises:
            TrackingError: the audit trail cannot be read.
        """
        own = replace(summary_of(card.evidence), digest=hashlib.sha256(card.files[EVIDENCE]).hexdigest())
        told = entry.summary
        listed = told.files == files_digest(card.files) and own == replace(told, runs=own.runs, curves=own.curves, files="")
        if self._log is None:
            return Proved(None, False, listed)
        newest: list[Entry] = []
        for action in ("card.stored", f"{LOCAL_PREFIX}card.stored"):
            newest += self._log.entries(Filter(subject=f"model:{entry.label}", action=action), newest_first=True, limit=1)
        if not newest:
            return Proved(None, False, listed)
        latest = max(newest, key=lambda each: each.time)
        entered = own_details(latest).get("sha256")
        found = {name: hashlib.sha256(content).hexdigest() for name, content in card.files.items()}
        return Proved(latest.index, entered == found, listed)

    def history(self, name: str, limit: int = 100) -> Sequence[Entry]:
        """What the audit trail says of a model, its versions and its aliases, the newest first.

        Raises:
            TrackingError: it cannot be read.
        """
        if self._log is None:
            return []
        own, below = f"model:{name}", f"model:{name}/"
        found = timeline_of(self._log, [own, f"{below}*"], limit)  # a name may end as a filter for many does
        return [entry for entry in found if entry.subject == own or entry.subject.startswith(below)]

    def _read_files(self, name: str, version: str, digest: str, moment: int) -> StoredCard:
        """The files, which are kept for a minute, and no longer than the list says that they are the same."""
        registry = self._registry()
        files = stored_card(registry, registry.get(name, version))
        evidence = Evidence.from_json(files[EVIDENCE].decode("utf-8", "replace"))
        return StoredCard(files, evidence, hand_written(files[README].decode("utf-8", "replace")))

    def _compare(self, one: tuple[str, float | None], other: tuple[str, float | None]) -> str:
        return paired_verdict(self._catalog, one[0], other[0])
