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
from vreason_tracking.delivery.tags import HEARTBEAT_TAG, RUN_TAG
from vreason_tracking.journal.codec import Begin, End, foot, head, to_record
from vreason_tracking.journal.folder import MANIFEST, RunFolder, run_folders, write_whole
from vreason_tracking.journal.lease import Lease, LeaseTakenError
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.reader import last_end, read_fragment, recover
from vreason_tracking.local_run import local_runs
from vreason_tracking.mlflow_store import MlflowStore

SILENT_MS = 5 * 60_000  # without a heartbeat for so long, a run is taken for dead; it beats every 15 s while its store answers


def bury(folder: RunFolder) -> End | None:
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
        written = [path for opened in (False, True) for _, path in folder.fragments(opened=opened)]  # not the lease: it is ours now
        died = max(path.stat().st_mtime_ns for path in written or [folder.path / MANIFEST]) // 1_000_000
        recover(folder)
        if last_end(folder) is not None:  # somebody else was faster
            return None
        begin = _last_begin(folder)
        who = f"process {begin.pid} on {begin.host}" if begin else "its process"
        end = End(begin.session if begin else 1, "KILLED", f"{who} died without a word (kill -9, out of memory or a power cut?)", died)
        fragments = folder.fragments()
        number = fragments[-1][0] + 1 if fragments else 1
        lines = map(to_line, (head(folder.run_id, number), to_record(end), foot(1)))
        try:
            write_whole(folder.fragment(number), b"".join(lines))
        except OSError as error:
            raise TrackingError(f"{folder.path}: the end of the run cannot be written ({error}); make room, or mend the folder") from error
    return end


def bury_dead(root: Path) -> list[RunFolder]:
    """Close every run of a journal whose process is gone; returns those.

    Raises:
        TrackingError: a folder cannot be written.
    """
    return [folder for folder in run_folders(root) if bury(folder) is not None]


def _last_begin(folder: RunFolder) -> Begin | None:
    for _, path in reversed(folder.fragments()):
        for event in reversed(read_fragment(path).events):
            if isinstance(event, Begin):
                return event
    return None


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
            end = None if dry else bury(run.folder)
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
        beat = int(tags.get(HEARTBEAT_TAG) or run.info.start_time)
        if tags.get(RUN_TAG) in own or now - beat < silent_ms:
            continue
        reason = f"no heartbeat for {(now - beat) / 60_000:.0f} min; marked by {platform.node()}"
        if not dry:
            store.log(run.info.run_id, tags={"error": reason})
            store.end_run(run.info.run_id, "KILLED", beat)
        yield Reaped(run.info.run_id, str(run.info.run_name), tags.get("host", "unknown"), reason)
