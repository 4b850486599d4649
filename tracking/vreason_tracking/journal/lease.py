"""Who owns a run: a lock on a file, which the kernel takes away when its holder dies, however it dies.

Two processes never own one run. The file's text says who holds it, for messages; only the lock counts. It works between processes of one
machine, and over network file systems that carry flock (NFS does since Linux 2.6.12).
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
import weakref
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from vreason.clock import unix_ms
from vreason.errors import TrackingError

_GLANCE = 0.2  # seconds: somebody may hold the lock for a moment only to see whether it is held


class LeaseTakenError(Exception):
    """Somebody else holds the lease. `holder` says who, as far as the file tells."""

    def __init__(self, path: Path) -> None:
        self.holder = holder(path)
        super().__init__(f"{path.parent} is in use by {self.holder}")


class Lease:
    """Holds `path` from the moment it is made until `release`, the end of a `with` block, or this process's death.

    Raises:
        LeaseTakenError: another process, or another lease of this one, holds it.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        end = time.monotonic() + _GLANCE
        try:
            while not self._lock():
                if time.monotonic() > end:
                    raise LeaseTakenError(path)
                time.sleep(_GLANCE / 20)
        except BaseException:  # also a file system without locks
            os.close(self._file)
            raise
        _held.add(self)
        with suppress(OSError):  # the text needs room on the disk, the lock does not
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps({"pid": os.getpid(), "host": platform.node(), "since_ms": unix_ms()}).encode(), 0)

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        _held.discard(self)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def take_lease(path: Path) -> Lease:
    """The lease of a run.

    Raises:
        LeaseTakenError: another process, or another lease of this one, holds it.
        TrackingError: its file cannot be made or locked.
    """
    try:
        return Lease(path)
    except OSError as error:
        raise TrackingError(f"{path}: cannot be locked ({error}); check the permissions") from error


def is_held(path: Path) -> bool:
    """Whether a living process holds the lease. Looking needs no right to write, and leaves the holder's name in the file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look are not in each other's way
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def holder(path: Path) -> str:
    """Who holds the lease, or held it last, as far as the file tells."""
    try:
        found = json.loads(path.read_text())
        return f"process {found['pid']} on {found['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


_held: weakref.WeakSet[Lease] = weakref.WeakSet()


def _forget_in_child() -> None:
    """A forked child must not keep its parent's runs alive."""
    for lease in list(_held):
        lease.release()


os.register_at_fork(after_in_child=_forget_in_child)
