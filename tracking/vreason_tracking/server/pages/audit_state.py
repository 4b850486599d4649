"""Whether the audit trail is as it was entered: what was verified, when, and that what came since continues it."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from threading import Lock

from vreason_tracking.audit import (
    AuditLog,
    Checkpoint,
    CheckpointError,
    ProofError,
    PublicKey,
    read_checkpoint,
    verify_consistency,
    verify_log,
)
from vreason_tracking.catalog import iso


@dataclass(frozen=True)
class Verified:
    """What a verification of every entry found.

    Attributes:
        time: when it was begun, UTC.
        seconds: how long it took.
        entries: so many were read.
        proved: so many, from the first, a signed checkpoint proves.
        checkpoints: so many signed ones agree.
        bad_entry: the first entry that is not as it was entered.
        problem: what is wrong, in a sentence; None where nothing is.
        notes: what is odd and proves nothing.
    """

    time: str
    seconds: float
    entries: int
    proved: int
    checkpoints: int
    bad_entry: int | None
    problem: str | None
    notes: list[str]


@dataclass(frozen=True)
class AuditState:
    """The audit trail as it is now.

    Attributes:
        origin: the log's name.
        size: number of entries.
        root: of the tree over them, base64; with it anybody can check a proof.
        key: name of the public key that checkpoints are checked with; None where the server was given none.
        signed_size: number of entries that the newest good checkpoint signs; None where there is none.
        verified: the newest verification by this process; None before the first.
        continues: whether the log as it is now continues the one that was verified; None before the first.
        verdict: "intact", "damaged" or "not verified yet".
    """

    origin: str
    size: int
    root: str
    key: str | None
    signed_size: int | None
    verified: Verified | None
    continues: bool | None
    verdict: str


class AuditVerifier:
    """Verifies a log, one verification at a time.

    Args:
        log: the log.
        key: with which its checkpoints were signed; without one, entries and tree are held against each other.
    """

    def __init__(self, log: AuditLog, key: PublicKey | None) -> None:
        self._audit, self._key = log, key
        self._lock = Lock()
        self._latest: tuple[Verified, Checkpoint] | None = None
        self._ended = 0.0  # monotonic seconds

    def verify(self) -> Verified:
        """Read and check every entry. Who comes while another's runs gets what that finds.

        Raises:
            TrackingError: the log cannot be read.
        """
        asked = time.monotonic()
        with self._lock:
            if self._latest and self._ended > asked:
                return self._latest[0]
            began, clock = iso(round(time.time() * 1000)), time.monotonic()
            state = self._audit.state()
            found = verify_log(self._audit, self._key)
            self._ended = time.monotonic()
            result = Verified(
                began,
                round(self._ended - clock, 3),
                found.entries,
                found.proved,
                found.checkpoints,
                found.bad_entry,
                found.problem,
                found.notes[:20],
            )
            self._latest = result, state
            return result

    def state(self) -> AuditState:
        """The log as it is now.

        Raises:
            TrackingError: it is empty, or cannot be read.
        """
        now, latest = self._audit.state(), self._latest
        continues = None if latest is None else self._continues(latest[1], now)
        damaged = latest is not None and (latest[0].problem is not None or not continues)
        verdict = "damaged" if damaged else "intact" if latest else "not verified yet"
        root = base64.b64encode(now.root).decode()
        key = self._key.name if self._key else None
        return AuditState(now.origin, now.size, root, key, self._signed_size(), latest[0] if latest else None, continues, verdict)

    def _continues(self, old: Checkpoint, new: Checkpoint) -> bool:
        try:
            verify_consistency(old.size, new.size, old.root, new.root, self._audit.consistency(old.size, new.size))
        except ProofError:
            return False
        return True

    def _signed_size(self) -> int | None:
        if self._key is None:
            return None
        for note in reversed(self._audit.checkpoints()):
            try:
                return read_checkpoint(note, self._key).size
            except CheckpointError:
                continue
        return None
