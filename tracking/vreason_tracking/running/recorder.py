"""The listener that writes a variant's record to its journal. The decoding loop hands events over and goes on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason.events import SampleRecord, StepRecord
from vreason.listeners import Listener
from vreason_tracking.journal import (
    RETRY_TIMEOUT,
    JournalWriter,
    Lease,
    Manifest,
    RunFolder,
    SamplesAskedAgain,
    SessionEnded,
    SessionStarted,
    last_session,
    recover,
    seal,
    take_lease,
)
from vreason_tracking.records import user_name
from vreason_tracking.telemetry import DeviceRecord


class RunRecorder(Listener):
    """Records one session of one variant. Call `finish` exactly once, whatever happened.

    Args:
        folder: the run's; its lease is held until `finish`.
        retry_timeout: seconds for which a disk that refuses is asked again.
        lease: the run's, if the caller has it already; it is the recorder's from here on.
        new: whether the run was made just now; otherwise that it is resumed is entered into the audit trail.
        again: ids of samples that failed and are asked again: what was recorded of them before counts no more.

    Raises:
        LeaseTakenError: another process runs it.
        TrackingError: what an earlier session left cannot be closed, or the journal cannot be written.
    """

    def __init__(
        self,
        folder: RunFolder,
        retry_timeout: float = RETRY_TIMEOUT,
        lease: Lease | None = None,
        again: Sequence[str] = (),
        *,
        new: bool = False,
    ) -> None:
        self.folder = folder
        self._lease = lease or take_lease(folder.lease)
        try:
            recover(folder)
            fragments = folder.fragments()
            self.session = last_session(folder) + 1
            if not new:
                _enter("run.resumed", folder.path.parent, folder.run_id, {"session": self.session, "asked_again": len(again)})
            self._writer = JournalWriter(folder, fragments[-1][0] + 1 if fragments else 1, retry_timeout)
        except BaseException:
            self._lease.release()
            raise
        self._writer.put([SessionStarted(self.session, os.getpid(), platform.node(), user_name(), unix_ms(), folder.manifest_digest)])
        if again:
            self._writer.put([SamplesAskedAgain(tuple(again))])
        try:
            self._writer.flush()  # whoever delivers from here on sees that the run goes on
        except BaseException:
            self._leave()
            raise

    @classmethod
    def create(cls, root: Path, manifest: Manifest, retry_timeout: float = RETRY_TIMEOUT) -> RunRecorder:
        """A recorder for a new run below `root`.

        Raises:
            TrackingError: the folder cannot be written.
        """
        known = {"config": manifest.config_name, "variant": manifest.variant, "experiment": manifest.experiment}
        known |= {"identity": manifest.identity.get("run", ""), "samples": str(len(manifest.sample_ids))}
        _enter("run.started", root, manifest.run_id, known)
        folder, lease = RunFolder.create_owned(root, manifest)
        return cls(folder, retry_timeout, lease, new=True)

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Write the steps of samples under way."""
        self._writer.put(steps)

    def on_sample(self, sample: SampleRecord) -> None:
        """Write the finished sample. Once its fragment is closed, a moment later, it cannot be lost."""
        self._writer.put([sample])

    def on_device(self, record: DeviceRecord) -> None:
        """Write what a device did."""
        self._writer.put([record])

    def check(self) -> None:
        """Raise if the journal can no longer be written: a run without a record is worth nothing.

        Raises:
            TrackingError: the disk refused for too long.
        """
        self._writer.check()

    def finish(self, status: str, error: str | None = None, notes: Sequence[str] = ()) -> None:
        """Write the end and let go of the run.

        Args:
            status: FINISHED, FAILED or KILLED.
            error: what ended the session early.
            notes: what a reader of the result must know.

        Raises:
            TrackingError: the journal could not be written to its end; what was closed before is kept. Or the end could not be entered
                into the audit trail: the run has then FAILED.
        """
        try:
            details = {"status": status, "session": self.session} | ({"error": error[:500]} if error else {})
            _enter("run.finished", self.folder.path.parent, self.folder.run_id, details)
        except TrackingError as failure:
            self._writer.put([SessionEnded(self.session, "FAILED", error or str(failure), unix_ms(), tuple(notes))])
            self._leave()
            raise
        self._writer.put([SessionEnded(self.session, status, error, unix_ms(), tuple(notes))])
        self._leave()

    def _leave(self) -> None:
        """Close the journal, then let go of the run: never while a thread of ours may still write it."""
        try:
            self._writer.close()
            seal(self.folder, self.session)
        finally:
            if not self._writer.is_alive():
                self._lease.release()


def _enter(action: str, root: Path, run_id: str, details: Mapping[str, Any]) -> None:
    """Into the audit trail beside the journal, before it is done.

    Raises:
        TrackingError: it cannot be entered.
    """
    from vreason_tracking.audit import enter  # SQLAlchemy, once a process, when a run begins and not in its way

    try:
        enter(root, action, user_name(), f"run:{run_id}", details=details)
    except TrackingError as error:
        if action == "run.started":
            raise
        raise type(error)(f"run {run_id}: the journal cannot be written ({error}); then go on with --resume {run_id}") from error
