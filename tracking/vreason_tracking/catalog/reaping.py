"""Runs whose process is gone are told so: KILLED, with what is known of their end.

In the journal the lease decides: the kernel takes it away with its process. In a store that several machines share, all that can be seen of
another machine's run is its heartbeat.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason.events import StepRecord
from vreason_tracking.catalog.local_run import local_runs
from vreason_tracking.journal.codec import Event, SampleEntry, SessionEnded, SessionStarted, foot, head, to_record
from vreason_tracking.journal.folder import MANIFEST, RunFolder, run_folders, write_whole
from vreason_tracking.journal.lease import Lease, LeaseTakenError
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.reader import last_end, read_fragment, read_only_backwards, recover
from vreason_tracking.record.tags import HEARTBEAT_TAG, RUN_TAG
from vreason_tracking.stores.mlflow_store import MlflowStore
from vreason_tracking.telemetry import DeviceRecord

SILENT_MS = 5 * 60_000  # without a heartbeat for so long, a run is taken for dead; it beats every 15 s while its store answers


def close_dead_run(folder: RunFolder) -> SessionEnded | None:
    """Close a run whose process died without a word; None when it had ended, or lives.

    Raises:
        TrackingError: its folder cannot be written.
    """
    if last_end(folder) is not None:
        return None
    try:
        lease = Lease(folder.lease)
    except LeaseTakenError:
        return None
    except OSError as error:
        raise TrackingError(f"{folder.lease}: cannot be locked ({error}); mend the folder's rights") from error
    with lease:
        recover(folder)
        if last_end(folder) is not None or _end_is_damaged(folder):  # somebody else was faster, or nobody can say
            return None
        begin, died = _last_begin(folder), _last_sign(folder)
        who = f"process {begin.pid} on {begin.host}" if begin else "its process"
        end = SessionEnded(
            begin.session if begin else 1, "KILLED", f"{who} died without a word (kill -9, out of memory or a power cut?)", died
        )
        fragments = folder.fragments()
        number = fragments[-1][0] + 1 if fragments else 1
        lines = map(to_line, (head(folder.run_id, number), to_record(end), foot(1)))
        try:
            write_whole(folder.fragment(number), b"".join(lines))
        except OSError as error:
            raise TrackingError(f"{folder.path}: the end of the run cannot be written ({error}); make room, or mend the folder") from error
    return end


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
    return event.ended_ms if isinstance(event, SessionEnded) else event.started_ms


def _end_is_damaged(folder: RunFolder) -> bool:
    """Whether the last fragment has a damaged record that was an end."""
    fragments = folder.fragments()
    path = fragments[-1][1] if fragments else None
    if path is None or not (damages := read_fragment(path).damages):
        return False
    data = path.read_bytes()
    return any(data[damage.offset + 9 :].startswith(b'["end"') for damage in damages if damage.line)


@dataclass(frozen=True)
class Reaped:
    """A run that was closed as KILLED, or would be."""

    run_id: str
    name: str
    host: str
    reason: str


def reap_journal(root: Path, *, dry: bool = False) -> Iterator[Reaped]:
    """Close every run of a journal whose process is gone, one after the other; with `dry` only say which.

    Raises:
        TrackingError: at the end, when some could not be closed; the message says which, and why.
    """
    failures = []
    for run in local_runs(root):
        try:
            if not run.unclosed:
                continue
            end = None if dry else close_dead_run(run.folder)
            reason = end.error if end and end.error else "its process is gone"
            yield Reaped(run.run_id, run.variant, run.manifest.tags.get("host", "unknown"), reason)
        except TrackingError as error:
            failures.append(str(error))
    if failures:
        raise TrackingError("\n".join(failures))


def reap_store(store: MlflowStore, root: Path, silent_ms: int = SILENT_MS, *, dry: bool = False) -> Iterator[Reaped]:
    """Mark every variant's run that claims to be running, but has been silent, as KILLED; with `dry` only say which.

    A run in the journal `root` is left to its own delivery, which knows better. Should a silent run turn out to live (its store was away),
    its next heartbeat sets it right.

    Raises:
        Exception: whatever the store raises.
    """
    own = {folder.run_id for folder in run_folders(root)}
    now = unix_ms()
    for run in store.all_runs("tags.`vreason.kind` = 'variant' AND attributes.status = 'RUNNING'", "attributes.start_time ASC"):
        tags = run.data.tags
        told = tags.get(HEARTBEAT_TAG, "")
        beat = int(told) if told.isdecimal() else int(run.info.start_time)
        if tags.get(RUN_TAG) in own or now - beat < silent_ms:
            continue
        reason = f"no heartbeat for {(now - beat) / 60_000:.0f} min; marked by {platform.node()}"
        if not dry:
            store.log(run.info.run_id, tags={"error": reason})
            store.end_run(run.info.run_id, "KILLED", beat)
        yield Reaped(run.info.run_id, str(run.info.run_name), tags.get("host", "unknown"), reason)
