"""Entries of many requests at once: those that come while a transaction is under way go into the next one together.

Under load a transaction, and its write to disk, is shared by all that wait; alone, an entry waits for its own only. An entry that nobody
waits for (what came of a request) goes with the next one that somebody does, at the latest after `LINGER`, which saves half of the
transactions. Where the database does not take it, it is kept and goes with a later one.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from concurrent.futures import Future
from typing import NamedTuple

from vreason.errors import TrackingError
from vreason_tracking.audit import AuditLog, Entry, NewEntry

_log = logging.getLogger(__name__)
_LARGEST = 500  # entries of one transaction
_CLOSED = None
_RETRY = 1.0  # seconds after which what was kept is tried again

KEPT = 10_000
"""Entries that nobody waits for, and that are kept while the database is away; then the oldest are given up, and that is logged."""

LINGER = 0.1
"""Seconds that an entry nobody waits for may wait for others."""


class _Waiting(NamedTuple):
    new: NewEntry
    future: Future[Entry]
    urgent: bool


class Appender:
    """A thread that appends.

    Args:
        log: where to.
    """

    def __init__(self, log: AuditLog) -> None:
        self._audit = log
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._kept: list[_Waiting] = []
        self._thread = threading.Thread(target=self._work, name="audit-appender", daemon=True)
        self._thread.start()

    def append(self, new: NewEntry, *, urgent: bool = True) -> Future[Entry]:
        """Have something entered; the future has the entry once it is on disk, or why it is not.

        Args:
            new: the entry.
            urgent: whether somebody waits for it.
        """
        future: Future[Entry] = Future()
        self._waiting.put(_Waiting(new, future, urgent))
        return future

    def close(self) -> None:
        """Enter what waits, and end."""
        self._waiting.put(_CLOSED)
        self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            batch = self._batch()
            going = _CLOSED not in batch
            self._append([each for each in batch if each is not None])

    def _batch(self) -> list[_Waiting | None]:
        """What goes into the next transaction; the mark of the end comes last. Nothing, when it is time to try again what was kept."""
        try:
            batch = [self._waiting.get(timeout=_RETRY if self._kept else None)]
        except queue.Empty:
            return []
        latest, hurry = time.monotonic() + LINGER, False
        while len(batch) < _LARGEST and (last := batch[-1]) is not None:
            hurry = hurry or last.urgent
            try:
                batch.append(self._waiting.get_nowait() if hurry else self._waiting.get(timeout=max(latest - time.monotonic(), 0.001)))
            except queue.Empty:
                break
        return batch

    def _append(self, batch: list[_Waiting]) -> None:
        batch, self._kept = [*self._kept, *batch], []
        if not batch:
            return
        try:
            made = self._audit.append([each.new for each in batch])
        except TrackingError as error:
            _log.error("%d entries of the audit trail cannot be written now: %s", len(batch), error)
            self._keep(batch, error)
            return
        except Exception as error:  # one of them is none, and would be none the next time
            _log.error("%d entries of the audit trail cannot be written: %s", len(batch), error)
            for each in batch:
                each.future.set_exception(error)
            return
        for each, entry in zip(batch, made, strict=True):
            each.future.set_result(entry)

    def _keep(self, batch: list[_Waiting], error: TrackingError) -> None:
        """Tell those who wait; keep the rest for later."""
        kept = [each for each in batch if not each.urgent]
        given_up = [*(each for each in batch if each.urgent), *kept[: max(len(kept) - KEPT, 0)]]
        for each in given_up:
            each.future.set_exception(error)
        self._kept = kept[-KEPT:]
