"""One log takes another's entries over: a team's server those of a journal, each proved to be in a tree that the journal's key has signed.

The taking log keeps, in an entry of its own (`log.adopted`), the signed checkpoint up to which it has the other's entries. A later handover
has to be signed with the same key and must continue that tree (RFC 6962 consistency): what was handed over once cannot be told differently
later. The other's entries stand in the taking log as `local.ACTION`, under the name of who handed them over, with the original in full.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vreason.errors import ConfigError, TrackingError
from vreason_tracking.audit.actions import LOCAL_PREFIX
from vreason_tracking.audit.checkpoints import Checkpoint, CheckpointError, read_checkpoint
from vreason_tracking.audit.entries import MAX_BYTES, Entry, NewEntry
from vreason_tracking.audit.keys import PublicKey, SigningKey
from vreason_tracking.audit.log import AuditLog, ChangedMeanwhileError, Filter
from vreason_tracking.audit.merkle import ProofError, leaf_hash, verify_consistency, verify_inclusion

LARGEST = 200
"""Entries of one handover."""

ADOPTED = "log.adopted"


@dataclass(frozen=True)
class Adopted:
    """What a log has of another.

    Attributes:
        origin: the other's name.
        size, root: of the newest checkpoint that was handed over; the root in base64.
        key: the public key that signed it.
        entries: number of entries, from the first, that were taken over.
    """

    origin: str
    size: int
    root: str
    key: str
    entries: int


@dataclass(frozen=True)
class ProvedEntry:
    """An entry and what proves it.

    Attributes:
        body: canonical JSON, as it was hashed.
        proof: inclusion in the tree of the handover's checkpoint, hashes in base64.
    """

    body: str
    proof: Sequence[str]


@dataclass(frozen=True)
class Handover:
    """What one log gives another.

    Attributes:
        note: a signed checkpoint.
        key: the public key that signed it.
        consistency: proof that its tree continues the one that was handed over before; hashes in base64; empty the first time.
        entries: those that follow what was taken over before, at most `LARGEST`.
    """

    note: str
    key: str
    consistency: Sequence[str]
    entries: Sequence[ProvedEntry]


class HandoverError(TrackingError):
    """What was handed over does not prove itself."""


def make_handover(log: AuditLog, signing: SigningKey, known: Adopted | None) -> Handover | None:
    """What another log does not have yet; None where it has everything.

    Args:
        log: that gives.
        signing: its key.
        known: what the other has.

    Raises:
        TrackingError: the log cannot be read, or is not the one that the other knows.
    """
    taken = known.entries if known else 0
    if taken >= log.size():
        return None
    note = log.sign(signing)
    state = read_checkpoint(note, signing.public)
    if known and known.size > state.size:
        raise TrackingError(f"{log.database.address}: has {state.size} entries, the server knows of {known.size}; part of it was lost")
    bodies = list(log.bodies(min(taken + LARGEST, state.size)))[taken:]
    entries = [
        ProvedEntry(body.decode(), [_encoded(each) for each in log.inclusion(taken + place, state.size)])
        for place, body in enumerate(bodies)
    ]
    consistency = [_encoded(each) for each in log.consistency(known.size, state.size)] if known else []
    return Handover(note, str(signing.public), consistency, entries)


def adopted(log: AuditLog, origin: str) -> Adopted | None:
    """What a log has of another one; None where nothing.

    Raises:
        TrackingError: it cannot be read.
    """
    return _known(log, origin)[0]


def _known(log: AuditLog, origin: str) -> tuple[Adopted | None, int | None]:
    """What a log has of another one, and the index of the entry that says so."""
    if not _is_origin(origin):
        return None, None
    found = log.entries(_adoptions(origin), newest_first=True, limit=1)
    if not found:
        return None, None
    return Adopted(origin, **{name: found[0].details[name] for name in ("size", "root", "key", "entries")}), found[0].index


def _adoptions(origin: str) -> Filter:
    return Filter(subject=f"log:{origin}", action=ADOPTED)


def _is_origin(text: str) -> bool:
    """Whether a name can be a log's here: it stands in a subject as it is, and means nothing to a filter."""
    return bool(text.strip()) and len(text) <= 256 and text.isprintable() and not text.endswith("*")


def adopt(log: AuditLog, given: Handover, actor: str, address: str) -> Adopted:
    """Take over what proves itself: signature, then consistency, then each entry; nothing is entered before all of it is checked.

    Args:
        log: that takes.
        given: what it is given.
        actor, address: who gives it, and from where.

    Raises:
        HandoverError: it does not prove itself, or is another log's of the same name.
        TrackingError: the log cannot be read or written.
    """
    state, known, place = _signed(log, given)
    taken = known.entries if known else 0
    if len(given.entries) > LARGEST:
        raise HandoverError(f"{len(given.entries)} entries are more than the {LARGEST} that are taken at once; hand them over in parts")
    entries = [_proved(each, taken + offset, state) for offset, each in enumerate(given.entries)]
    made = Adopted(state.origin, state.size, _encoded(state.root), given.key, taken + len(entries))
    details: dict[str, Any] = {"size": made.size, "root": made.root, "key": made.key, "entries": made.entries, "note": given.note}
    first = NewEntry(ADOPTED, actor, f"log:{state.origin}", address, details=details)
    try:
        wanted = [first, *(_local(entry, body, state.origin, actor, address) for entry, body in entries)]
        log.append(wanted, (_adoptions(state.origin), place))
    except (ValueError, ConfigError) as error:
        raise HandoverError(f"an entry cannot be taken over: {error}") from error
    except ChangedMeanwhileError as error:
        raise HandoverError(str(error)) from error
    return made


def _signed(log: AuditLog, given: Handover) -> tuple[Checkpoint, Adopted | None, int | None]:
    try:
        state = read_checkpoint(given.note, PublicKey.parse(given.key))
    except (CheckpointError, ValueError, TrackingError) as error:
        raise HandoverError(f"the checkpoint is not signed with the key that was given: {error}") from error
    if not _is_origin(state.origin):
        raise HandoverError("the log's name is longer than 256 letters, cannot be printed, or ends with *")
    known, place = _known(log, state.origin)
    if known is None:
        return state, None, None
    if known.key != given.key:
        raise HandoverError(f"{state.origin} was handed over with another key before; only that one continues it")
    try:
        proof = [_decoded(each) for each in given.consistency]
        verify_consistency(known.size, state.size, _decoded(known.root), state.root, proof)
    except ProofError as error:
        raise HandoverError(f"{state.origin} does not continue what was handed over before: {error}") from error
    return state, known, place


def _proved(given: ProvedEntry, index: int, state: Checkpoint) -> tuple[Entry, str]:
    try:
        entry = Entry.from_bytes(given.body)
        if entry.index != index:
            raise HandoverError(f"entry {entry.index} comes where entry {index} should")
        proof = [_decoded(each) for each in given.proof]
        verify_inclusion(leaf_hash(given.body.encode()), index, state.size, proof, state.root)
    except (ProofError, ValueError, RecursionError) as error:
        raise HandoverError(f"entry {index} is not in the tree that was signed: {error}") from error
    return entry, given.body


def _local(entry: Entry, body: str, origin: str, actor: str, address: str) -> NewEntry:
    details: dict[str, Any] = {"origin": origin, "index": entry.index, "sha256": leaf_hash(body.encode()).hex()}
    if len(body) < MAX_BYTES // 2:  # a longer one is named by its hash alone
        details["entry"] = json.loads(body)
    return NewEntry(f"{LOCAL_PREFIX}{entry.action}", actor, entry.subject, address, entry.outcome, entry.reason, details)


def own_details(entry: Entry) -> Mapping[str, Any]:
    """The details of an entry; of one that was taken over from another log, those that it has there.

    Args:
        entry: of any log.
    """
    told = entry.details.get("entry") if entry.action.startswith(LOCAL_PREFIX) else None
    inner = told.get("details") if isinstance(told, dict) else None
    return inner if isinstance(inner, dict) else entry.details


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError(f"{text[:60]!r} is no base64") from error
