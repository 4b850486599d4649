"""The audit trail beside a journal, `audit.db`: for everything that is done to its runs without a server between.

An entry that cannot be written refuses the change that it tells of: it is entered first.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking.audit.database import AuditDatabase, local_uri
from vreason_tracking.audit.entries import DONE, Entry, NewEntry
from vreason_tracking.audit.log import AuditLog

FILE, KEY_FILE = "audit.db", "audit.key"


def journal_log(journal: Path, actor: str) -> AuditLog:
    """The log beside a journal, made if there is none.

    Args:
        journal: the journal's folder, made if it is not there.
        actor: who begins it, should it be new.

    Raises:
        TrackingError: it cannot be made or opened.
    """
    path = journal.absolute() / FILE
    if not path.is_file():
        _create(path)
    return _opened(path, actor, path.stat().st_ino)


def _create(path: Path) -> None:
    """Make the database, for all who may write the journal: several users can share one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shared = path.parent.stat().st_mode & 0o022
        database = AuditDatabase(local_uri(path))
        database.create()
        if shared:
            path.chmod(path.stat().st_mode | shared)
    except OSError as error:
        raise TrackingError(f"{path}: cannot be written ({error}); set tracking.journal to another folder") from error


@lru_cache(maxsize=8)
def _opened(path: Path, actor: str, _inode: int) -> AuditLog:
    """The log of a file; another file in its place, as after the journal was deleted, is another log."""
    database = AuditDatabase(local_uri(path))
    if database.version() is None:  # the process that made the file died before it made the tables
        database.create()
    return AuditLog(database, actor)


def enter(
    journal: Path,
    action: str,
    actor: str,
    subject: str,
    *,
    reason: str | None = None,
    outcome: str = DONE,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Enter what is done to a run or a model of a journal.

    Args:
        journal: the journal's folder.
        action, actor, subject, reason, outcome, details: of the entry; see `NewEntry`.

    Raises:
        TrackingError: it cannot be entered; the change is not to be made then.
    """
    new = NewEntry(action, actor, subject, socket.gethostname(), outcome, reason, details or {})
    return journal_log(journal, actor).append([new])[0]
