"""What an export of the audit trail proves, with nothing but the file and the log's public key.

The tree over the entries has the root that a checkpoint was signed for. Where it has not, the entry is named: by the file's list of leaf
hashes where that has the signed root, else by the hash that each entry has of the one before it. What is taken for proved advances only
after a signature and a root have been checked.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.audit.checkpoints import Checkpoint, CheckpointError, read_checkpoint
from vreason_tracking.audit.entries import FIRST, INTENT, Entry
from vreason_tracking.audit.exporting import FORMAT
from vreason_tracking.audit.keys import PublicKey
from vreason_tracking.audit.log import AuditLog
from vreason_tracking.audit.merkle import Frontier, leaf_hash


@dataclass
class Verification:
    """What was found.

    Attributes:
        origin: the log's name.
        entries: number of entries in the file.
        proved: number of entries, from the first, that a signed checkpoint proves.
        checkpoints: number of checkpoints that the key has signed and that the entries agree with.
        bad_entry: index of the first entry that is not as it was entered; None where none is.
        problem: what is wrong, in a sentence; None where nothing is.
        notes: what is odd and proves nothing: the clock went back, an intent has no outcome.
    """

    origin: str = ""
    entries: int = 0
    proved: int = 0
    checkpoints: int = 0
    bad_entry: int | None = None
    problem: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether everything that is there is proved."""
        return self.problem is None

    def fail(self, index: int | None, problem: str) -> None:
        """Say what is wrong; what was said first stays."""
        if self.problem is None:
            self.bad_entry, self.problem = index, problem


def verify_export(path: Path, key: PublicKey, kept: Iterable[str] = ()) -> Verification:
    """Verify a file.

    Args:
        path: an export.
        key: of the log.
        kept: checkpoints that were kept elsewhere: the log must still agree with them.

    Raises:
        TrackingError: the file cannot be read, or is no export.
    """
    try:
        with path.open("rb") as file:
            return verify_lines((line.removesuffix(b"\n") for line in file), key, kept, str(path))
    except OSError as error:
        raise TrackingError(f"{path}: cannot be read ({error.strerror}); name an export made by `vreason-track audit export`") from error


def verify_lines(lines: Iterable[bytes], key: PublicKey, kept: Iterable[str] = (), name: str = "export") -> Verification:
    """Verify the lines of an export, as `verify_export` does.

    Raises:
        TrackingError: this is no export.
    """
    reading = iter(lines)
    head = _head(next(reading, b""), name)
    read = _Contents()
    for line in reading:
        read.take(line)
    found = Verification(str(head["origin"]), len(read.leaves))
    signed = _signed([*read.notes, *kept], key, found)
    agreeing = _agreeing(read.leaves, signed)
    found.checkpoints, found.proved = len(agreeing), max((each.size for each in agreeing), default=0)
    _locate(read, signed, agreeing, found)
    if head["size"] != found.entries:
        found.fail(None, f"the first line says {head['size']} entries, {found.entries} are there")
    found.notes += _oddities(read.entries)
    return found


def verify_log(log: AuditLog, key: PublicKey | None, kept: Iterable[str] = ()) -> Verification:
    """Verify a log in its database: every entry against the tree that is stored beside it, and against every checkpoint.

    Args:
        log: the log.
        key: of the log; without one only entries and tree are held against each other.
        kept: checkpoints that were kept elsewhere.

    Raises:
        TrackingError: the log cannot be read.
    """
    read, size = _Contents(), log.size()
    for body in log.bodies(size):
        read.take(body)
    for hashes in log.leaves(size):
        read.listed += hashes
    found = Verification(log.named(), len(read.leaves))
    signed = _signed([*log.checkpoints(), *kept], key, found) if key is not None else []
    agreeing = _agreeing(read.leaves, signed)
    found.checkpoints, found.proved = len(agreeing), max((each.size for each in agreeing), default=0)
    first = next((index for index, (is_, was) in enumerate(zip(read.leaves, read.listed, strict=False)) if is_ != was), None)
    if first is not None:
        found.fail(first, _words(read, first))
    elif len(read.leaves) != len(read.listed):
        shorter = min(len(read.leaves), len(read.listed))
        found.fail(shorter, f"entry {shorter} is missing: the tree has {len(read.listed)} leaves, and {len(read.leaves)} entries are there")
    elif read.chain is not None:
        found.fail(*read.chain)
    elif signed and len(agreeing) < len(signed):
        _locate(read, signed, agreeing, found)
    found.notes += _oddities(read.entries)
    if key is None:
        found.notes.append("no public key is known, so no checkpoint was looked at: whoever can write the database could have changed all")
    return found


class _Contents:
    """What the lines of an export hold."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.listed: list[bytes] = []
        self.notes: list[str] = []
        self.entries: list[tuple[str, str, str | None]] = []  # time, outcome, request
        self.chain: tuple[int, str] | None = None  # the first entry that is not what its neighbours say, and why
        self._previous, self._unsettled = FIRST, False

    def take(self, line: bytes) -> None:
        if line.startswith((b'{"checkpoint"', b'{"leaves"')):
            self._take_footer(line)
            return
        index = len(self.leaves)
        leaf = leaf_hash(line)
        self.leaves.append(leaf)
        try:
            entry = Entry.from_bytes(line)
        except ValueError as error:
            self._suspect(index, f"entry {index} is damaged: {error}")
            self._previous = leaf.hex()
            return
        request = entry.details.get("request")
        self.entries.append((entry.time, entry.outcome, request if isinstance(request, str) else None))
        if entry.index != index:
            what = f"{entry.index} stands in its place" if entry.index > index else f"there is one that says it is {entry.index}"
            self._suspect(index, f"entry {index} is not there: {what}")
        if self._unsettled and self.chain is not None and self.chain[0] == index - 1 and entry.previous == self._previous:
            # The entry with the odd link is as its successor knows it: it is the one before it that was changed.
            self.chain = (max(index - 2, 0), _changed(max(index - 2, 0)))
        self._unsettled = False
        if entry.previous != self._previous and self.chain is None:
            self.chain, self._unsettled = (index, _changed(index)), True
        self._previous = leaf.hex()

    def _take_footer(self, line: bytes) -> None:
        try:
            values = json.loads(line)
            if "leaves" in values:
                hashes = base64.b64decode(values["leaves"], validate=True)
                self.listed += [hashes[start : start + 32] for start in range(0, len(hashes), 32)]
            else:
                self.notes.append(str(values["checkpoint"]))
        except (ValueError, KeyError, TypeError, binascii.Error):
            self._suspect(len(self.leaves), "a line below the entries cannot be read")

    def _suspect(self, index: int, why: str) -> None:
        if self.chain is None:
            self.chain = (index, why)


def _changed(index: int) -> str:
    return f"entry {index} is not the one that was entered there"


def _head(line: bytes, name: str) -> dict[str, object]:
    try:
        head = json.loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT or type(head.get("size")) is not int:
        raise TrackingError(f"{name}: is no export of an audit trail ({FORMAT}); make one with `vreason-track audit export`")
    return head


def _signed(notes: Iterable[str], key: PublicKey, found: Verification) -> list[Checkpoint]:
    """The checkpoints that the key has signed, the smallest first."""
    signed: dict[tuple[int, bytes], Checkpoint] = {}
    for note in notes:
        try:
            checkpoint = read_checkpoint(note, key)
        except CheckpointError as error:
            found.fail(None, str(error))
            continue
        if checkpoint.origin != found.origin:
            found.fail(None, f"a checkpoint is of another log, {checkpoint.origin!r}, and this is {found.origin!r}")
            continue
        signed[checkpoint.size, checkpoint.root] = checkpoint
    return sorted(signed.values(), key=lambda each: each.size)


def _agreeing(leaves: Sequence[bytes], signed: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The checkpoints whose root the leaves have."""
    return [each for each, root in zip(signed, _roots(leaves, [each.size for each in signed]), strict=True) if each.root == root]


def _roots(leaves: Sequence[bytes], sizes: Sequence[int]) -> list[bytes | None]:
    """The root at each of some sizes, which ascend; None beyond the end."""
    frontier = Frontier()
    roots: list[bytes | None] = []
    for size in sizes:
        if size > len(leaves):
            roots.append(None)
            continue
        for leaf in leaves[frontier.size : size]:
            frontier = frontier.append(leaf)[0]
        roots.append(frontier.root())
    return roots


def _locate(read: _Contents, signed: Sequence[Checkpoint], agreeing: Sequence[Checkpoint], found: Verification) -> None:
    """Name what is wrong, and the first entry that is not as it was entered."""
    if not signed:
        found.fail(None, "there is no checkpoint that the key has signed, so nothing is proved")
        return
    last, entries = signed[-1], len(read.leaves)
    if len(agreeing) == len(signed) and last.size == entries:
        if read.chain is not None:  # signed as it is: it was entered so, and no program of ours does that
            found.fail(*read.chain)
        return
    genuine = next((each for each in reversed(signed) if _roots(read.listed, [each.size]) == [each.root]), None)
    if genuine is not None:
        first = next((index for index in range(genuine.size) if read.leaves[index : index + 1] != [read.listed[index]]), None)
        if first is not None:
            cut = first == entries
            found.fail(first, f"entries from {first} on are missing; {genuine.size} were signed" if cut else _words(read, first))
            return
    if read.chain is not None:
        found.fail(*read.chain)
    elif last.size > entries:
        found.fail(entries, f"entries from {entries} on are missing; a checkpoint is of {last.size}")
    elif len(agreeing) < len(signed):
        what = f"entries from {found.proved} to {last.size - 1} are not those that were signed: a fork, or the last one was changed"
        found.fail(found.proved if found.proved < last.size else None, what)
    else:
        found.fail(last.size, f"entries from {last.size} on are behind the last checkpoint: nobody has signed them")


def _words(read: _Contents, index: int) -> str:
    return read.chain[1] if read.chain is not None and read.chain[0] == index else _changed(index)


def _oddities(entries: Sequence[tuple[str, str, str | None]]) -> list[str]:
    """What is odd in the entries, and proves nothing."""
    notes, latest, unanswered = [], "", {}
    for index, (time, outcome, request) in enumerate(entries):
        if time < latest:
            notes.append(f"entry {index}: the clock went back, from {latest} to {time}")
        latest = max(latest, time)
        if request is not None and outcome == INTENT:
            unanswered[request] = index
        elif request is not None:
            unanswered.pop(request, None)
    return notes + [f"entry {index}: an intent, and no entry says what came of it" for index in unanswered.values()]
