"""An entry of the audit trail: who changed what, when, from where, and what came of it. Its canonical JSON (RFC 8785) is what is hashed.

Each entry has the leaf hash of the one before it, so that a change is found where it was made and not only in the root of the tree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import rfc8785

from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.audit.actions import is_action

FIRST = "0" * 64
"""What the first entry has in the place of a hash of the one before it."""

MAX_BYTES = 64 * 1024
"""Longest canonical entry. An entry holds facts and digests, never contents."""

DONE, INTENT = "done", "intent"
"""Outcomes: it was done; it was about to be tried, and a later entry says what came of it. Anything else is why it failed."""


@dataclass(frozen=True)
class NewEntry:
    """What is to be entered.

    Attributes:
        action: one of `vreason_tracking.audit.ACTIONS`, or "mlflow." and a route's name.
        actor: who: a user's name.
        subject: on what: "run:ID", "model:NAME/3", "user:NAME", "experiment:ID".
        address: from where: a host, or a client's address.
        outcome: `DONE`, `INTENT`, or why it failed.
        reason: why it was done, in the actor's words; None where none was asked for.
        details: further facts as JSON: counts, digests, statuses. No secrets and no contents.
        time: UTC, milliseconds; None takes the moment of appending.
    """

    action: str
    actor: str
    subject: str
    address: str = ""
    outcome: str = DONE
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    time: datetime | None = None

    def __post_init__(self) -> None:
        """Raises:
        ConfigError: the action is none, or a text is not one.
        """
        if not is_action(self.action):
            raise ConfigError([ConfigIssue("action", f"{self.action!r} is no action of the audit trail; see docs/audit.md")])
        for name in ("actor", "subject"):
            if not str(getattr(self, name)).strip():
                raise ConfigError([ConfigIssue(name, "is empty; an entry says who did what, on what")])


@dataclass(frozen=True)
class Entry:
    """One entry as it stands in the log.

    Attributes:
        index: its place, from 0.
        previous: leaf hash of the entry before, in hexadecimal; `FIRST` in the first.
        time: UTC, "2026-11-27T02:44:13.123Z".
        action, actor, subject, address, outcome, reason, details: as in `NewEntry`.
    """

    index: int
    previous: str
    time: str
    action: str
    actor: str
    subject: str
    address: str
    outcome: str
    reason: str | None
    details: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Canonical JSON, UTF-8, without a line end."""
        return rfc8785.dumps(asdict(self))

    @property
    def time_ms(self) -> int:
        """Unix time, milliseconds."""
        return round(datetime.fromisoformat(self.time).timestamp() * 1000)

    @classmethod
    def from_bytes(cls, data: bytes | str) -> Entry:
        """Read an entry.

        Raises:
            ValueError: it is none: not JSON, a field is missing, unknown, or of another type.
        """
        values = json.loads(data)
        if not isinstance(values, dict) or values.keys() != _FIELDS.keys():
            raise ValueError("its fields are not those of an entry")
        wrong = [name for name, kinds in _FIELDS.items() if type(values[name]) not in kinds]
        if wrong:
            raise ValueError(f"{wrong[0]} is not {' or '.join(kind.__name__ for kind in _FIELDS[wrong[0]])}")
        return cls(**values)


_FIELDS: dict[str, tuple[type, ...]] = {each.name: (str,) for each in fields(Entry)} | {
    "index": (int,),
    "reason": (str, type(None)),
    "details": (dict,),
}


def entry_of(new: NewEntry, index: int, previous: bytes | None) -> Entry:
    """The entry that something new becomes at its place.

    Args:
        new: what is to be entered.
        index: its place, from 0.
        previous: leaf hash of the entry before; None where there is none.

    Raises:
        ValueError: it is longer than `MAX_BYTES`, or its details cannot be written as JSON.
    """
    moment = new.time or datetime.now(UTC)
    entry = Entry(
        index=index,
        previous=previous.hex() if previous is not None else FIRST,
        time=moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        action=new.action,
        actor=_text(new.actor, 256),
        subject=_text(new.subject, 1024),
        address=_text(new.address, 256),
        outcome=_text(new.outcome, 1024),
        reason=None if new.reason is None else _text(new.reason, 2048),
        details=dict(new.details),
    )
    try:
        size = len(entry.to_bytes())
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"details of {new.action}: {error}") from error
    if size > MAX_BYTES:
        raise ValueError(f"an entry of {size} bytes is longer than {MAX_BYTES}; enter a digest in the place of what it stands for")
    return entry


def _text(value: str, longest: int) -> str:
    """What UTF-8 can write and PostgreSQL can store, cut to a length: one client's text must not keep others' entries out."""
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:longest]
