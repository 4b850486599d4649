"""The thread that appends events to a run's journal. Whoever hands them over does not wait for the disk, unless it is a thousand blocks
behind.

A fragment is a temporary file, written as events come, and closed (fsync, rename, fsync of the folder) when a sample ends and at least
every second. What a fragment holds stays in memory until it is closed: should the disk refuse, it is written again from there, whole.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from vreason.errors import TrackingError
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.journal.codec import Event, SampleEntry, SamplesAskedAgain, SessionEnded, SessionStarted, foot, head, to_record
from vreason_tracking.journal.folder import RunFolder, sync_folder
from vreason_tracking.journal.lines import to_line
from vreason_tracking.records import count_points
from vreason_tracking.telemetry import DeviceRecord

_log = logging.getLogger(__name__)

INTERVAL = 0.75  # seconds after which a fragment is closed: with what the decoding loop holds back (0.25 s), never a second is open
LARGEST = 8 * 2**20  # bytes after which it is
RETRY_TIMEOUT = 30.0  # seconds for which a disk that refuses is asked again
QUEUED = 1024  # blocks that may wait for the disk; a block is up to 16 steps
_AGAIN = 0.25  # seconds between two attempts

Block = Sequence[StepRecord | SampleRecord | DeviceRecord | SessionStarted | SamplesAskedAgain | SessionEnded]


class JournalWriter:
    """Appends to `folder`, whose lease its caller holds. Close it, whatever happened.

    Args:
        folder: the run's.
        first: number of the first fragment.
        retry_timeout: seconds for which a disk that refuses (full, read-only) is asked again before the journal gives up.

    Attributes:
        failure: why the journal has given up; None while all is well. What was closed before is kept.
    """

    def __init__(self, folder: RunFolder, first: int = 1, retry_timeout: float = RETRY_TIMEOUT) -> None:
        self.folder, self.retry_timeout = folder, retry_timeout
        self.failure: str | None = None
        self._number = first
        self._open_points: Counter[str] = Counter()
        self._queue: queue.Queue[Block | None] = queue.Queue(QUEUED)
        self._fragment = _Fragment(folder, first)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def put(self, block: Block) -> None:
        """Hand over a block of events, in order. Waits only while `QUEUED` blocks are waiting."""
        self._queue.put(block)

    def flush(self) -> None:
        """Wait until everything handed over so far is written.

        Raises:
            TrackingError: the journal has given up.
        """
        self._queue.join()
        self.check()

    def close(self) -> None:
        """Write what waits and close the last fragment.

        Raises:
            TrackingError: the journal has given up; the message says why and what is kept.
        """
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self.check()

    def is_alive(self) -> bool:
        """Whether its thread may still write."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raise if the journal has given up.

        Raises:
            TrackingError: it has.
        """
        if self.failure and not self.folder.path.is_dir():
            raise TrackingError(
                f"{self.folder.path}: the journal is gone ({self.failure}), and with it what MLflow has not got; begin a new run"
            )
        if self.failure:
            raise TrackingError(
                f"{self.folder.path}: the journal cannot be written ({self.failure}); what was closed before is kept: make room or fix"
                f" the folder, then continue with --resume {self.folder.run_id}"
            )

    def _run(self) -> None:
        block: Block | None = ()
        while block is not None:
            try:
                block = self._queue.get(timeout=None if self.failure else self._fragment.seconds_left())
            except queue.Empty:  # its second is over
                self._safely(self._close_fragment)
                continue
            self._safely(self._close_fragment if block is None else partial(self._write, block))
            self._queue.task_done()
        self._fragment.leave()

    def _safely(self, work: Callable[[], None]) -> None:
        """Do it, unless the journal has given up. The thread never dies: who hands events over, or waits for them, would never know."""
        try:
            if self.failure is None:
                work()
        except Exception as error:  # an event that cannot be written: a fault of ours or of a caller, which must not pass in silence
            self.failure = f"{type(error).__name__}: {error}"

    def _write(self, block: Block) -> None:
        if not block:
            return
        events = [self._counted(event) for event in block]
        self._fragment.append(b"".join(to_line(to_record(event)) for event in events), len(events))
        ends = any(isinstance(event, (SampleEntry, SessionStarted, SessionEnded)) for event in events)
        if ends or self._fragment.seconds_left() == 0.0 or self._fragment.size >= LARGEST:
            self._close_fragment()

    def _counted(self, event: StepRecord | SampleRecord | DeviceRecord | SessionStarted | SamplesAskedAgain | SessionEnded) -> Event:
        """Samples are written with the number of points that they and their steps come to."""
        if isinstance(event, StepRecord):
            if event.token_index == 0:  # it begins, or begins anew
                self._open_points[event.sample_id] = 0
            self._open_points[event.sample_id] += count_points(event)
        elif isinstance(event, SampleRecord):
            return SampleEntry(event, self._open_points.pop(event.sample_id, 0) + count_points(event))
        return event

    def _close_fragment(self) -> None:
        """Try until it is safe on disk, or the retry timeout is over."""
        if not self._fragment.records:
            return
        began, warned = time.monotonic(), False
        while True:
            try:
                self._fragment.close()
                break
            except OSError as error:
                reason = f"{error.strerror or error}"
                if began + self.retry_timeout <= time.monotonic():
                    self.failure = reason
                    _log.error("%s: the journal gives up: %s", self.folder.path, reason)
                    return
                if not warned:
                    warned = True
                    _warn(self.folder, reason, self.retry_timeout)
                time.sleep(_AGAIN)
        closed, seconds = self._fragment, time.monotonic() - began
        _log.debug("%s closed: %d record(s), %d bytes, %.3f s", closed.closed, closed.records, closed.size, seconds)
        self._number += 1
        self._fragment = _Fragment(self.folder, self._number)


class _Fragment:
    """The fragment being written: a file that may have failed, and all of its bytes, which have not."""

    def __init__(self, folder: RunFolder, number: int) -> None:
        self.path, self.closed = folder.fragment(number, opened=True), folder.fragment(number)
        self.records = 0
        self._bytes = bytearray(to_line(head(folder.run_id, number)))
        self._file: int | None = None
        self._written = 0
        self._born = 0.0

    @property
    def size(self) -> int:
        """Bytes so far."""
        return len(self._bytes)

    def seconds_left(self) -> float | None:
        """Until it must be closed; None while it is empty."""
        return max(0.0, self._born + INTERVAL - time.monotonic()) if self.records else None

    def append(self, lines: bytes, records: int) -> None:
        """Take lines in and, if the disk is willing, write them, so that they survive this process. Never raises OSError."""
        if not self.records:
            self._born = time.monotonic()
        self._bytes += lines
        self.records += records
        try:
            self._flush()
        except OSError:
            self.leave()  # `close` writes it again, and says so if it cannot

    def close(self) -> None:
        """Make it safe and immutable.

        Raises:
            OSError: the disk refuses. Call again: the next attempt writes all of it anew.
        """
        length = len(self._bytes)
        self._bytes += to_line(foot(self.records))
        try:
            self._flush()
            assert self._file is not None
            os.fsync(self._file)
            os.replace(self.path, self.closed)
            sync_folder(self.path.parent)
        except OSError:
            del self._bytes[length:]
            raise
        finally:
            self.leave()

    def _flush(self) -> None:
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            self._written = 0
        with memoryview(self._bytes) as view:
            while self._written < len(view):
                self._written += os.write(self._file, view[self._written :])

    def leave(self) -> None:
        """Let go of the file; what follows begins it anew. After a failed write or fsync nothing is known of it."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):  # closed it is in any case; what is to be safe was fsynced before, the rest is written again
                os.close(file)


def _warn(folder: RunFolder, reason: str, retry_timeout: float) -> None:
    text = f"{folder.path}: the journal cannot be written ({reason}); trying again for {retry_timeout:.0f} s: make room now"
    _log.warning("%s", text)
    with suppress(RuntimeWarning):  # made an error by -W error: it is too early to give up
        warnings.warn(text, RuntimeWarning, stacklevel=2)
