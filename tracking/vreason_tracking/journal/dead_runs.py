"""Closing runs whose process is gone, as KILLED. The lease decides: the kernel takes it away with its process."""

from __future__ import annotations

import logging

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason.events import StepRecord
from vreason_tracking.journal.codec import Event, SampleEntry, SamplesAskedAgain, SessionEnded, SessionStarted, foot, head, to_record
from vreason_tracking.journal.folder import MANIFEST, RunFolder, write_whole
from vreason_tracking.journal.lease import LeaseTakenError, take_lease
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.reader import last_end, read_fragment, read_only_backwards, recover
from vreason_tracking.journal.seal import seal
from vreason_tracking.records import user_name
from vreason_tracking.telemetry import DeviceRecord

_log = logging.getLogger(__name__)


def close_dead_run(folder: RunFolder) -> SessionEnded | None:
    """Close a run whose process died abruptly; None when it had ended, or lives.

    Raises:
        TrackingError: its folder cannot be written.
    """
    if last_end(folder) is not None:
        return None
    try:
        lease = take_lease(folder.lease)
    except LeaseTakenError:
        return None
    with lease:
        recover(folder)
        if last_end(folder) is not None or _end_is_damaged(folder):  # somebody else was faster, or nobody can say
            return None
        begin, died = _last_begin(folder), _last_sign(folder)
        who = f"process {begin.pid} on {begin.host}" if begin else "its process"
        end = SessionEnded(begin.session if begin else 1, "KILLED", f"{who} died abruptly (kill -9, out of memory or a power cut?)", died)
        fragments = folder.fragments()
        number = fragments[-1][0] + 1 if fragments else 1
        lines = map(to_line, (head(folder.run_id, number), to_record(end), foot(1)))
        _enter(folder, end)
        try:
            write_whole(folder.fragment(number), b"".join(lines))
        except OSError as error:
            raise TrackingError(f"{folder.path}: the end of the run cannot be written ({error}); make room, or fix the folder") from error
        seal(folder, end.session)
    _log.info("run %s closed as KILLED: %s", folder.run_id, end.error)
    return end


def _enter(folder: RunFolder, end: SessionEnded) -> None:
    """Into the audit trail beside the journal, before the run is closed."""
    from vreason_tracking.audit import enter  # SQLAlchemy, and seldom

    try:
        enter(folder.path.parent, "run.reaped", user_name(), f"run:{folder.run_id}", details={"error": end.error or ""})
    except TrackingError as error:
        raise type(error)(f"{folder.path}: the run cannot be closed ({error})") from error


def _last_begin(folder: RunFolder) -> SessionStarted | None:
    return next((event for event in read_only_backwards(folder, "begin") if isinstance(event, SessionStarted)), None)


def _last_sign(folder: RunFolder) -> int:
    """Time of the last event, Unix milliseconds: files may have been copied, or closed by somebody else, since."""
    for _, path in reversed(folder.fragments()):
        if last := max(map(_time, read_fragment(path).events), default=0):
            return last
    try:
        return (folder.path / MANIFEST).stat().st_mtime_ns // 1_000_000
    except OSError:
        return unix_ms()


def _time(event: Event) -> int:
    """When an event was told, Unix milliseconds."""
    if isinstance(event, SampleEntry):
        return event.sample.started_ms + int(event.sample.generation_ms or 0)
    if isinstance(event, (StepRecord, DeviceRecord)):
        return event.timestamp_ms
    if isinstance(event, SamplesAskedAgain):
        return 0  # it tells none
    return event.ended_ms if isinstance(event, SessionEnded) else event.started_ms


def _end_is_damaged(folder: RunFolder) -> bool:
    """Whether the last fragment has a damaged record that was an end."""
    fragments = folder.fragments()
    path = fragments[-1][1] if fragments else None
    if path is None or not (damages := read_fragment(path).damages):
        return False
    data = path.read_bytes()
    return any(data[damage.offset + 9 :].startswith(b'["end"') for damage in damages if damage.line)
