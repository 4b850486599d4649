"""The audit trail as an append-only log: entries, the tree over them, and proofs.

Appending is one transaction that reads and writes about log2(n) rows, whatever the size of the log; writers take turns by a lock that the
database takes back when they die.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, insert, or_, select
from sqlalchemy.engine import Connection

from vreason.errors import TrackingError
from vreason_tracking.audit.checkpoints import Checkpoint, CheckpointError, read_checkpoint
from vreason_tracking.audit.database import AuditDatabase
from vreason_tracking.audit.entries import Entry, NewEntry, entry_of
from vreason_tracking.audit.keys import SigningKey
from vreason_tracking.audit.merkle import (
    Frontier,
    Node,
    consistency_proof,
    frontier_nodes,
    inclusion_proof,
    leaf_hash,
)
from vreason_tracking.audit.tables import CHECKPOINTS, ENTRIES, NODES

_PAGE = 5_000  # entries that are read at once


@dataclass(frozen=True)
class Filter:
    """Which entries are wanted; what is None does not matter.

    Attributes:
        actor, subject: exactly this; a subject that ends with `*` stands for all that begin so.
        action: exactly this; one that ends with `.` stands for all that begin so: "run.".
        since, until: UTC.
        before: of a smaller index than this.
    """

    actor: str | None = None
    subject: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """A query of entries, narrowed down."""
        if self.actor is not None:
            query = query.where(ENTRIES.c.actor == self.actor)
        if self.subject is not None:
            query = query.where(_begins(ENTRIES.c.subject, self.subject, "*"))
        if self.action is not None:
            query = query.where(_begins(ENTRIES.c.action, self.action, "."))
        if self.since is not None:
            query = query.where(ENTRIES.c.time_ms >= round(self.since.timestamp() * 1000))
        if self.until is not None:
            query = query.where(ENTRIES.c.time_ms <= round(self.until.timestamp() * 1000))
        if self.before is not None:
            query = query.where(ENTRIES.c.index < self.before)
        return query


class ChangedMeanwhileError(TrackingError):
    """What a change rests on has been changed by another writer."""


class AuditLog:
    """A log in a database whose tables are there.

    Args:
        database: where it is.
        actor: who begins it, should it be empty.

    Raises:
        TrackingError: the tables are missing or of another version, or the database cannot be used.
    """

    def __init__(self, database: AuditDatabase, actor: str = "vreason-track") -> None:
        database.require()
        self.database = database
        self._actor = actor
        self._known: tuple[Frontier, bytes | None] = (Frontier(), None)  # behind the last entry that this object appended

    def append(self, entries: Sequence[NewEntry], newest: tuple[Filter, int | None] | None = None) -> list[Entry]:
        """Enter something, all of it or nothing, in one transaction; the first time, an entry that names the log comes before it.

        Args:
            entries: what is entered.
            newest: a filter, and the index of the newest entry that passes it, None for none: if another one has come, nothing is entered.

        Raises:
            ChangedMeanwhileError: another writer has entered what `newest` does not know of.
            TrackingUnavailableError: the database does not answer, or another writer keeps it.
            TrackingError: the entries cannot be written.
        """
        if not entries:
            return []
        with self.database.writing() as connection:
            size, last = _end(connection)
            if newest is not None and connection.execute(newest[0].narrow(select(func.max(ENTRIES.c.index)))).scalar() != newest[1]:
                raise ChangedMeanwhileError(f"{self.database.address}: another process has entered the same meanwhile; ask again")
            known = self._known if (self._known[0].size, self._known[1]) == (size, last) else _frontier(connection, size)
            wanted = [*([self._first()] if size == 0 else []), *entries]
            made, known = self._insert(connection, known, wanted)
        self._known = known
        return made[len(made) - len(entries) :]

    def _insert(
        self, connection: Connection, known: tuple[Frontier, bytes | None], wanted: Sequence[NewEntry]
    ) -> tuple[list[Entry], tuple[Frontier, bytes | None]]:
        """Write entries behind a frontier and its last leaf; the frontier and the last leaf afterwards."""
        frontier, previous = known
        made, rows, nodes = [], [], []
        for new in wanted:
            entry = entry_of(new, frontier.size, previous)
            body = entry.to_bytes()
            previous = leaf_hash(body)
            frontier, full = frontier.append(previous)
            made.append(entry)
            rows.append(
                {
                    "index": entry.index,
                    "body": body.decode(),
                    "time_ms": entry.time_ms,
                    "action": entry.action,
                    "actor": entry.actor,
                    "subject": entry.subject,
                }
            )
            nodes += [{"level": level, "index": index, "hash": digest} for (level, index), digest in full]
        connection.execute(insert(ENTRIES), rows)
        connection.execute(insert(NODES), nodes)
        return made, (frontier, previous)

    def _first(self) -> NewEntry:
        host = socket.gethostname() or "host"
        origin = f"vreason-track/{host}/{secrets.token_hex(8)}"
        return NewEntry("log.created", self._actor, f"log:{origin}", host, details={"origin": origin})

    def size(self) -> int:
        """Number of entries."""
        with self.database.reading() as connection:
            return _size(connection)

    def origin(self) -> str:
        """The log's name, which its first entry gives it.

        Raises:
            TrackingError: it is empty.
        """
        if not self.size():
            raise TrackingError(f"{self.database.address}: the audit trail is empty; nothing has been entered yet")
        try:
            return str(self.entry(0).details["origin"])
        except KeyError:
            raise TrackingError(f"{self.database.address}: the first entry of the audit trail does not name it; it is damaged") from None

    def named(self) -> str:
        """The log's name, or its address where the first entry is damaged."""
        try:
            return self.origin()
        except TrackingError:
            return self.database.address

    def entry(self, index: int) -> Entry:
        """Raises:
        TrackingError: there is none, or it cannot be read.
        """
        with self.database.reading() as connection:
            body = connection.execute(select(ENTRIES.c.body).where(ENTRIES.c.index == index)).scalar()
            if body is None:
                raise TrackingError(f"{self.database.address}: the audit trail has {_size(connection)} entries, from 0, and no {index}")
        return self._parsed(index, body)

    def entries(self, wanted: Filter = Filter(), *, newest_first: bool = False, limit: int | None = None) -> list[Entry]:
        """Entries that pass a filter.

        Args:
            wanted: the filter.
            newest_first: from the end of the log.
            limit: at most so many.

        Raises:
            TrackingError: the log cannot be read.
        """
        order = ENTRIES.c.index.desc() if newest_first else ENTRIES.c.index
        query = wanted.narrow(select(ENTRIES.c.index, ENTRIES.c.body)).order_by(order).limit(limit)
        with self.database.reading() as connection:
            return [self._parsed(index, body) for index, body in connection.execute(query)]

    def bodies(self, size: int) -> Iterator[bytes]:
        """The canonical JSON of the first `size` entries, in order, as it is stored."""
        for start in range(0, size, _PAGE):
            query = select(ENTRIES.c.body).where(ENTRIES.c.index.between(start, min(start + _PAGE, size) - 1)).order_by(ENTRIES.c.index)
            with self.database.reading() as connection:
                yield from (body.encode() for body in connection.execute(query).scalars())

    def leaves(self, size: int) -> Iterator[list[bytes]]:
        """The leaf hashes of the first `size` entries, in order, many at a time."""
        for start in range(0, size, _PAGE):
            chosen = NODES.c.index.between(start, min(start + _PAGE, size) - 1)
            query = select(NODES.c.hash).where(NODES.c.level == 0, chosen).order_by(NODES.c.index)
            with self.database.reading() as connection:
                yield [bytes(each) for each in connection.execute(query).scalars()]

    def state(self) -> Checkpoint:
        """The size and the root as they are now, not signed.

        Raises:
            TrackingError: the log is empty, or cannot be read.
        """
        return self.state_at(self.size())

    def state_at(self, size: int) -> Checkpoint:
        """The root that the log had at a size, not signed.

        Raises:
            TrackingError: the log is empty, was never so long, or cannot be read.
        """
        origin = self.origin()
        with self.database.reading() as connection:
            frontier, _ = _frontier(connection, size)
        return Checkpoint(origin, size, frontier.root())

    def sign(self, key: SigningKey) -> str:
        """A signed checkpoint of the log as it is now; it is kept in the database. One of an unchanged log is made only once.

        Raises:
            TrackingError: the log is empty, or cannot be read or written.
        """
        state = self.state()
        with self.database.writing() as connection:
            kept = connection.execute(select(CHECKPOINTS.c.note).where(CHECKPOINTS.c.size == state.size)).scalar()
            if kept is not None and _is_of(kept, state, key):
                return str(kept)
            note = state.signed(key)
            if kept is None:
                row = {"size": state.size, "note": note, "time_ms": round(time.time() * 1000)}
                connection.execute(insert(CHECKPOINTS), row)
        return note

    def checkpoints(self) -> list[str]:
        """The signed checkpoints that were kept, the smallest first."""
        with self.database.reading() as connection:
            return list(connection.execute(select(CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.size)).scalars())

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """What proves that an entry is in the log of `size` entries.

        Raises:
            ProofError: there is no such entry.
            TrackingError: the log cannot be read.
        """
        return self._proof(lambda read: inclusion_proof(index, size, read))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """What proves that the log of `new` entries continues the one of `old`.

        Raises:
            ProofError: the sizes are none of this log.
            TrackingError: the log cannot be read.
        """
        return self._proof(lambda read: consistency_proof(old, new, read))

    def _proof(self, make: Callable[[Callable[[Iterable[Node]], Mapping[Node, bytes]]], list[bytes]]) -> list[bytes]:
        with self.database.reading() as connection:
            try:
                return make(lambda nodes: _nodes(connection, list(nodes)))
            except KeyError as error:
                level, index = error.args[0]
                what = f"node {index} of level {level} of the tree is missing"
                raise TrackingError(f"{self.database.address}: {what}; the audit trail is damaged: `vreason-track audit verify`") from None

    def _parsed(self, index: int, body: str) -> Entry:
        try:
            return Entry.from_bytes(body)
        except ValueError as error:
            what = f"entry {index} of the audit trail is damaged ({error})"
            raise TrackingError(f"{self.database.address}: {what}; find out what else is, with `vreason-track audit verify`") from None


def _begins(column: Any, wanted: str, mark: str) -> Any:
    if wanted.endswith(mark):
        return column.startswith(wanted.removesuffix("*"), autoescape=True)
    return column == wanted


def _size(connection: Connection) -> int:
    found = connection.execute(select(func.max(ENTRIES.c.index))).scalar()
    return 0 if found is None else int(found) + 1


def _end(connection: Connection) -> tuple[int, bytes | None]:
    """Number of entries, and the last one's hash; by the tree, to which a changed file of the same length would not match."""
    query = select(NODES.c.index, NODES.c.hash).where(NODES.c.level == 0).order_by(NODES.c.index.desc()).limit(1)
    found = connection.execute(query).one_or_none()
    return (0, None) if found is None else (int(found[0]) + 1, bytes(found[1]))


def _nodes(connection: Connection, wanted: list[Node]) -> dict[Node, bytes]:
    if not wanted:
        return {}
    levels: dict[int, list[int]] = {}
    for level, index in wanted:
        levels.setdefault(level, []).append(index)
    # A condition a level, for SQLite reads the whole table for (level, index) IN ((...), ...).
    chosen = or_(*(and_(NODES.c.level == level, NODES.c.index.in_(indexes)) for level, indexes in levels.items()))
    query = select(NODES.c.level, NODES.c.index, NODES.c.hash).where(chosen)
    return {(level, index): bytes(digest) for level, index, digest in connection.execute(query)}


def _frontier(connection: Connection, size: int) -> tuple[Frontier, bytes | None]:
    """The frontier, and the last leaf's hash."""
    wanted = frontier_nodes(size)
    last = [(0, size - 1)] if size else []
    found = _nodes(connection, [*wanted, *last])
    try:
        return Frontier(size, tuple(found[node] for node in wanted)), found[last[0]] if last else None
    except KeyError as error:
        level, index = error.args[0]
        what = f"node {index} of level {level} of the tree of the audit trail is missing"
        raise TrackingError(f"{what}, so nothing can be appended; it is damaged: `vreason-track audit verify`") from None


def _is_of(note: str, state: Checkpoint, key: SigningKey) -> bool:
    try:
        return read_checkpoint(note, key.public) == state
    except CheckpointError:
        return False


def timeline_of(log: AuditLog, subjects: Sequence[str], limit: int = 100) -> list[Entry]:
    """The newest entries about any of some subjects, the newest first.

    Args:
        log: the audit trail.
        subjects: as `Filter` has them.
        limit: of entries.

    Raises:
        TrackingError: the log cannot be read.
    """
    found = {entry.index: entry for subject in subjects for entry in log.entries(Filter(subject=subject), newest_first=True, limit=limit)}
    return [found[index] for index in sorted(found, reverse=True)][:limit]
