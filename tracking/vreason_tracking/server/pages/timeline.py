"""Entries of the audit trail as the pages list them: filtered, the newest first, a page at a time; and what proves one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.audit import AuditLog, Entry, Filter, ProofError, leaf_hash, verify_inclusion
from vreason_tracking.web import NotFoundError

PAGE = 100

Index = Annotated[int | None, Query(ge=0, lt=2**63)]


@dataclass(frozen=True)
class EntryFilter:
    """What somebody looks for, as it stands in an address; "" takes all.

    Attributes:
        actor, subject, action: as `vreason_tracking.audit.Filter` has them.
        since, until: days or times, ISO 8601, UTC.
        before: entries of a smaller index than this.
    """

    actor: str = ""
    subject: str = ""
    action: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None

    def parsed(self) -> Filter:
        """As the log takes it.

        Raises:
            ConfigError: a time is none, or a text has a NUL.
        """
        for name in ("actor", "subject", "action"):
            if "\0" in getattr(self, name):
                raise ConfigError([ConfigIssue(name, "has a NUL, which no entry has")])
        return Filter(
            actor=self.actor or None,
            subject=self.subject or None,
            action=self.action or None,
            since=_moment("since", self.since),
            until=_moment("until", self.until, end_of_day=True),
            before=self.before,
        )

    def address(self, before: int) -> str:
        """The query of the next page: what is older than an entry."""
        named = {"actor": self.actor, "subject": self.subject, "action": self.action, "since": self.since, "until": self.until}
        return urlencode({name: value for name, value in named.items() if value} | {"before": before})


@dataclass(frozen=True)
class Timeline:
    """A page of entries.

    Attributes:
        entries: the newest first.
        next_before: where the next page begins; None where there is none.
    """

    entries: Sequence[Entry]
    next_before: int | None


@dataclass(frozen=True)
class InclusionProof:
    """What proves that an entry is in the log of a size, as RFC 6962 has it; hashes in base64."""

    index: int
    size: int
    leaf: str
    root: str
    hashes: list[str]


def read_timeline(log: AuditLog, wanted: EntryFilter, limit: int = PAGE) -> Timeline:
    """A page of the log.

    Raises:
        ConfigError: the filter has a time that is none.
        TrackingError: the log cannot be read.
    """
    found = log.entries(wanted.parsed(), newest_first=True, limit=limit + 1)
    return Timeline(found[:limit], found[limit - 1].index if len(found) > limit else None)


def entry_at(log: AuditLog, index: int) -> Entry:
    """The entry with an index.

    Raises:
        NotFoundError: there is none.
        TrackingError: it cannot be read.
    """
    size = log.size()
    if not 0 <= index < size:
        raise NotFoundError(f"the audit trail has {size} entries, from 0, and no {index}")
    return log.entry(index)


def prove(log: AuditLog, entry: Entry) -> InclusionProof:
    """The proof that an entry is in the log as it is now, checked before it is shown.

    Raises:
        ProofError: it does not prove it: entry or tree were changed.
        TrackingError: the log cannot be read.
    """
    state, leaf = log.state(), leaf_hash(entry.to_bytes())
    hashes = log.inclusion(entry.index, state.size)
    verify_inclusion(leaf, entry.index, state.size, hashes, state.root)
    told = [_base64(each) for each in hashes]
    return InclusionProof(entry.index, state.size, _base64(leaf), _base64(state.root), told)


def is_proved(log: AuditLog, entry: Entry) -> bool:
    """Whether the entry is in the log's tree as it is now."""
    try:
        prove(log, entry)
    except ProofError:
        return False
    return True


def _moment(name: str, text: str, *, end_of_day: bool = False) -> datetime | None:
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError([ConfigIssue(name, f"{text[:40]!r} is no day and no time; give 2026-11-27 or 2026-11-27T14:30")]) from None
    if end_of_day and len(text.strip()) == len("2026-11-27"):
        found = found.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
