"""Runs of other machines that claim to be running and have gone silent: in a shared store all that can be seen of them is a heartbeat."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vreason.clock import unix_ms
from vreason_tracking.journal import run_folders
from vreason_tracking.records import ERROR_TAG, HEARTBEAT_TAG, HOST_TAG, KIND_TAG, RUN_TAG, VARIANT_KIND
from vreason_tracking.stores import MlflowStore

_log = logging.getLogger(__name__)

SILENT_MS = 5 * 60_000  # without a heartbeat for so long, a run is taken for dead; it beats every 15 s while its store answers


@dataclass(frozen=True)
class Reaped:
    """A run that was closed as KILLED, or would be."""

    run_id: str
    name: str
    host: str
    reason: str


def reap_store(store: MlflowStore, root: Path, silent_ms: int = SILENT_MS, *, dry: bool = False) -> Iterator[Reaped]:
    """Mark every variant's run that claims to be running, but has been silent, as KILLED; with `dry` only say which.

    A run in the journal `root` is left to its own delivery, which knows better. A silent run may live, with a store that was unavailable:
    its next heartbeat sets it right.

    Raises:
        Exception: whatever the store raises.
    """
    own = {folder.run_id for folder in run_folders(root)}
    now = unix_ms()
    for run in store.all_runs(f"tags.`{KIND_TAG}` = '{VARIANT_KIND}' AND attributes.status = 'RUNNING'", "attributes.start_time ASC"):
        tags = run.data.tags
        told = tags.get(HEARTBEAT_TAG, "")
        beat = int(told) if told.isdecimal() else int(run.info.start_time)
        if tags.get(RUN_TAG) in own or now - beat < silent_ms:
            continue
        reason = f"no heartbeat for {(now - beat) / 60_000:.0f} min; marked by {platform.node()}"
        if not dry:
            store.log(run.info.run_id, tags={ERROR_TAG: reason})
            store.end_run(run.info.run_id, "KILLED", beat)
            _log.info("run %s (%s) marked as KILLED: %s", run.info.run_id, run.info.run_name, reason)
        yield Reaped(run.info.run_id, str(run.info.run_name), tags.get(HOST_TAG, "unknown"), reason)
