"""Entries of many requests at once: those that come while a transaction is under way go into the next one together.

Under load a transaction, and its write to disk, is shared by all that wait; alone, an entry waits for its own only.
"""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import Future

from vreason_tracking.audit import AuditLog, Entry, NewEntry

_log = logging.getLogger(__name__)
_LARGEST = 500  # entries of one transaction
_CLOSED = None


class Appender:
    """A thread that appends.

    Args:
        log: where to.
    """

    def __init__(self, log: AuditLog) -> None:
        self._audit = log
        self._waiting: queue.SimpleQueue[tuple[NewEntry, Future[Entry]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="audit-appender", daemon=True)
        self._thread.start()

    def append(self, new: NewEntry) -> Future[Entry]:
        """Have something entered; the future has the entry once it is on disk, or why it is not."""
        future: Future[Entry] = Future()
        self._waiting.put((new, future))
        return future

    def close(self) -> None:
        """Enter what waits, and end."""
        self._waiting.put(_CLOSED)
        self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            batch = [self._waiting.get()]
            while len(batch) < _LARGEST and batch[-1] is not _CLOSED:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            going = batch[-1] is not _CLOSED
            self._append([each for each in batch if each is not _CLOSED])

    def _append(self, batch: list[tuple[NewEntry, Future[Entry]]]) -> None:
        if not batch:
            return
        try:
            made = self._audit.append([new for new, _ in batch])
        except Exception as error:
            _log.error("%d entries of the audit trail cannot be written: %s", len(batch), error)
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), entry in zip(batch, made, strict=True):
            future.set_result(entry)
