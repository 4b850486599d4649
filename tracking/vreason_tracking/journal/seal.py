"""How many fragments a run had when a session of it ended: what is taken away from the end afterwards leaves no gap in their numbers."""

from __future__ import annotations

import logging

from vreason_tracking.journal.folder import RunFolder, write_whole
from vreason_tracking.journal.lines import read_lines, to_line

_log = logging.getLogger(__name__)


def seal(folder: RunFolder, session: int) -> None:
    """Note how many fragments there are. The caller holds the run's lease. A disk that refuses is no failure: nothing is recorded here."""
    try:
        fragments = folder.fragments()
        write_whole(folder.sealed, to_line(["sealed", {"session": session, "fragments": fragments[-1][0] if fragments else 0}]))
    except OSError as error:
        _log.warning("%s: cannot be written: %s", folder.sealed, error)


def sealed_fragments(folder: RunFolder) -> int | None:
    """Number of the last fragment when a session last ended; None where none has, and in journals of versions that did not tell.

    Raises:
        ValueError: the file is damaged; says how.
        OSError: it cannot be read.
    """
    if not folder.sealed.exists():
        return None
    for line in read_lines(folder.sealed.read_bytes()):
        if line.record is None or line.record[0] != "sealed":
            raise ValueError(line.fault or "not a record of this file")
        return int(line.record[1]["fragments"])
    raise ValueError("it is empty")
