"""One run's journal into one store, a piece at a time. Whatever is interrupted is simply done again.

Why sending twice changes nothing: points carry the events' own times, and MLflow keeps one of each (key, time, step, value); tags and
parameters have one value; and before a run is made that an earlier attempt may have made, the store is asked for it by its own mark.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections import Counter, deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from vreason.clock import unix_ms
from vreason.errors import TrackingUnavailableError
from vreason_tracking.audit import enter
from vreason_tracking.delivery.checkpoint import DeliveryLog
from vreason_tracking.delivery.finalize import RunFinalizer
from vreason_tracking.delivery.mlflow_points import device_series, ended_ms, points_of, sample_tags
from vreason_tracking.delivery.variant_run import VariantRun
from vreason_tracking.journal import (
    Event,
    FinishedSample,
    Lease,
    RunFolder,
    SampleAssembly,
    SamplesAskedAgain,
    SessionEnded,
    SessionStarted,
    asked_again,
    last_session,
    read_fragment,
)
from vreason_tracking.records import ERROR_TAG, HEARTBEAT_TAG, NUMBER_TAG, SESSIONS_TAG, EntropyCurve, RecordTables, RunSummary, user_name
from vreason_tracking.stores import MlflowStore, Point, portable_uri
from vreason_tracking.telemetry import DeviceRecord

_log = logging.getLogger(__name__)

_AT_ONCE = 1000  # points that wait before the variant's own series are sent
_LOOKED_AHEAD = 16  # fragments that may be missing in a row


class RunDelivery:
    """Delivers `folder` into `store`. Close it, whatever happened; it holds the run's delivery lease.

    Attributes:
        summary, curve, tables: of all samples read so far.
        log: what has been delivered.
        ended: the run has ended and is delivered to that end.
        writes: how often the store has taken something.
        broken: the journal could not be taken in, for lack of room for the tables, say: only another delivery can go on.

    Raises:
        LeaseTakenError: another process delivers this run.
        TrackingError: the journal cannot be read.
    """

    def __init__(self, folder: RunFolder, store: MlflowStore) -> None:
        self.folder, self.store, self.manifest = folder, store, folder.manifest
        self._lease = Lease(folder.delivery_lease)
        with ExitStack() as undone:
            undone.callback(self._lease.release)
            self.log = DeliveryLog(folder.delivery_log)
            undone.callback(self.log.close)
            self.scratch_dir = Path(tempfile.mkdtemp(prefix="vreason-"))
            undone.callback(shutil.rmtree, self.scratch_dir, ignore_errors=True)
            self.tables = RecordTables(self.scratch_dir)
            undone.pop_all()
        self.summary, self.curve = RunSummary(), EntropyCurve()
        self.ended, self.writes, self.broken = False, 0, False
        self._asked_again, self._seen_again = asked_again(folder), Counter[str]()
        self._assembly = SampleAssembly(self._asked_again)
        self._fragment = 1
        self._devices = 0
        self._device_points = 0  # of those that wait in the series
        self._session = 0
        self._pending: deque[Callable[[], None]] = deque()
        self._series: list[Point] = []  # of the variant's own run
        self.run = VariantRun(folder, store, self.log, self.scratch_dir)
        went_on = self.log.delivered.status == "FINISHED" and last_session(folder) > self.log.delivered.session
        self._outdated = went_on or any(name in self.log.delivered.samples and self._is_outdated(name) for name in self._asked_again)

    def advance(self) -> bool:
        """Do the next piece, if there is one; returns whether there was.

        Raises:
            Exception: whatever the store raises. The piece is done again by the next call.
            TrackingError: a fragment cannot be read.
        """
        if self.ended:
            return False
        try:
            if self.log.delivered.run_id is None:
                self.run.open()
                self.writes += 1
            elif self._outdated:  # it was finished and went on, or samples of it are asked again: its series there are of an earlier state
                self.run.replace()
                self._outdated = False
                self.writes += 1
            elif not self._pending and not self._read():
                return False
            else:
                if self._pending:
                    self._pending[0]()
                    self._pending.popleft()
            self._note_refused()
        except Exception:
            self.run.maybe_created = self.run.interrupted = True
            raise
        return True

    def idle(self) -> bool:
        """Nothing more to read for now: send the points that wait for more. Whether there was something."""
        sent = self._send_series(0)
        self._note_refused()
        return sent

    def _note_refused(self) -> None:
        """Values that the store has not taken are marked, so that the run's end can tell; the others are there."""
        if not self.store.refused:
            return
        own = {self.log.delivered.run_id: None} | {nested: name for name, nested in self.log.delivered.samples.items()}
        for value in [each for each in self.store.refused if each.run_id in own]:
            self.store.refused.remove(value)
            self.log.excluded(own[value.run_id], value.kind, value.name, value.reason)

    def send_heartbeat(self) -> bool:
        """The run is alive: say so, also to somebody who took it for dead while the store was unavailable. Whether there was such a run."""
        run_id = self.log.delivered.run_id
        if run_id is None or self._session <= self.log.delivered.session:  # it has ended, and is only read again
            return False
        self.store.log(run_id, tags={HEARTBEAT_TAG: str(unix_ms())})
        if self.store.client.get_run(run_id).info.status != "RUNNING":
            self.store.reopen_run(run_id, {})
            self.store.delete_tag(run_id, ERROR_TAG)
        return True

    def close_lost(self) -> None:
        """Close the run in the store as FAILED: its journal is gone, and nothing will follow what was delivered.

        Raises:
            Exception: whatever the store raises.
        """
        if (run_id := self.log.delivered.run_id) is None:
            return
        lost = f"its journal {self.folder.path} is gone; {len(self.log.delivered.samples)} finished sample(s) had been delivered before"
        self.store.log(run_id, tags={ERROR_TAG: lost})
        self.store.end_run(run_id, "FAILED", unix_ms())

    def close(self) -> None:
        """Let go of the run."""
        with suppress(Exception):  # what they hold is delivered, or of no use
            self.tables.close()
        self.log.close()
        self._lease.release()
        shutil.rmtree(self.scratch_dir, ignore_errors=True)

    # --- reading ---

    def _read(self) -> bool:
        """Turn the next closed fragment into pieces."""
        number = self._next_fragment()
        if number is None:
            return False
        events = read_fragment(self.folder.fragment(number)).events
        try:
            for event in events:
                self._take(event)
        except Exception:
            self.broken = True
            raise
        self._fragment = number + 1
        return True

    def _next_fragment(self) -> int | None:
        """The next one that is closed. They are closed in order: one that is missing before it was taken away, and its samples with it."""
        for number in range(self._fragment, self._fragment + _LOOKED_AHEAD):
            if self.folder.fragment(number).exists():
                return self._fragment if self.folder.fragment(self._fragment).exists() else number  # closed in between
        return None

    def _take(self, event: Event) -> None:
        for finished in self._assembly.feed([event]):
            self.summary.add(finished.sample)
            self.curve.add(finished.steps)
            self.tables.add(finished.sample, finished.steps)
            end = ended_ms(finished)
            self._series += [(name, value, end, finished.number) for name, value in self.summary.live().items()]
            self._pending.append(partial(self._send_sample, finished))
        if isinstance(event, DeviceRecord):
            self._take_device(event)
        elif isinstance(event, SessionStarted):
            self._session = event.session
            if event.session > 1:
                self._pending.append(self._reopen)
        elif isinstance(event, SamplesAskedAgain):
            self._seen_again.update(event.sample_ids)
            if not self._seen_again <= self._asked_again:  # a session that began after this delivery did
                raise TrackingUnavailableError(f"run {self.folder.run_id} goes on, and asks again what has failed: it is delivered anew")
        elif isinstance(event, SessionEnded):
            self._pending.append(lambda: self._end(event))

    def _take_device(self, record: DeviceRecord) -> None:
        self._devices += 1
        if self._devices > self.log.delivered.devices:
            points = device_series(record, self.manifest.created_ms)
            self._device_points += len(points)
            self._series += points

    # --- sending ---

    def _send_sample(self, finished: FinishedSample) -> None:
        name = finished.sample.sample_id
        if self._is_outdated(name):
            parent, end = self.run.run_id, ended_ms(finished)
            if (before := self.log.delivered.samples.get(name)) is not None:
                self.run.remove_sample(before)
            nested = self.run.find_sample(name)
            if nested is None:
                tags = {**sample_tags(finished.sample), NUMBER_TAG: f"{finished.number:07d}"}
                nested = self.store.start_run(name, tags, parent, finished.sample.started_ms)
            points = points_of(finished)
            self.store.log(nested, points)
            self.store.end_run(nested, "FAILED" if finished.sample.error else "FINISHED", end)
            self.log.sample(name, nested, len(points), self._asked_again[name])
            _log.debug("run %s: sample %s sent, %d points", self.folder.run_id, name, len(points))
            self.run.maybe_created = False
            self.writes += 1
        self._send_series(_AT_ONCE)

    def _is_outdated(self, name: str) -> bool:
        """Whether the store has no run of a sample, or one of a time before it was asked again."""
        delivered = self.log.delivered
        return name not in delivered.samples or delivered.times.get(name, 0) < self._asked_again[name]

    def _send_series(self, least: int) -> bool:
        """The variant's own series, once there is more than `least` of them. Whether there was."""
        if len(self._series) <= least or self.log.delivered.run_id is None:
            return False
        self.store.log(self.run.run_id, self._series)
        self._series.clear()
        if self._devices > self.log.delivered.devices:
            self.log.devices(self._devices, self._device_points)
            self._device_points = 0
        self.writes += 1
        return True

    def _reopen(self) -> None:
        """A killed run goes on."""
        if self._session > self.log.delivered.session:
            self.store.reopen_run(self.run.run_id, {SESSIONS_TAG: str(self._session)})
            self.writes += 1

    def _end(self, end: SessionEnded) -> None:
        if self._has_later_session():
            return
        self.ended = end.session <= self.log.delivered.session
        if not self.ended:
            self._close_run(end)

    def _close_run(self, end: SessionEnded) -> None:
        self._send_series(0)
        self.run.remove_strays()
        writes = self.manifest.sample_ids if end.status == "FINISHED" else ()
        missing = frozenset(self._assembly.incomplete) | (frozenset(writes) - self._assembly.done)
        closing = RunFinalizer(self.manifest, end, self.summary, self.curve, len(self._assembly.done), missing)
        try:
            self.tables.close()
        except Exception:
            self.broken = True
            raise
        files = closing.write(self.store, self.run.run_id, self.scratch_dir, self.tables.paths.values())
        self._enter(end, files)
        self.log.closed(end.session, end.status)
        _log.info("run %s delivered to its end: %s, %d sample(s)", self.folder.run_id, end.status, len(self._assembly.done))
        self.ended = True
        self.writes += 1

    def _enter(self, end: SessionEnded, files: dict[str, str]) -> None:
        """Into the audit trail beside the journal: what was delivered, and a digest of what it was made of."""
        root, subject = self.folder.path.parent, f"run:{self.folder.run_id}"
        digest = hashlib.sha256()
        for _, path in self.folder.fragments():
            digest.update(path.read_bytes())
        known = {"mlflow": self.run.run_id, "uri": portable_uri(self.store.uri), "session": end.session}
        counts = {"points": self.log.delivered.points, "samples": len(self._assembly.done), "journal_sha256": digest.hexdigest()}
        enter(root, "points.delivered", user_name(), subject, details={**known, **counts})
        enter(root, "artifact.stored", user_name(), subject, details={**known, "sha256": files})

    def _has_later_session(self) -> bool:
        """Whether another session stands behind the fragment just read: then that one's end counts."""
        return self._next_fragment() is not None
