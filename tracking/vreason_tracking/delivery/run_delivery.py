"""One run's journal into one store, a piece at a time. Whatever is interrupted is simply done again.

Why sending twice changes nothing: points carry the events' own times, and MLflow keeps one of each (key, time, step, value); tags and
parameters have one value; and before a run is made that an earlier attempt may have made, the store is asked for it by its own mark.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason_tracking.delivery.checkpoint import DeliveryLog
from vreason_tracking.delivery.finalize import RunFinalizer
from vreason_tracking.delivery.mlflow_points import device_series, ended_ms, points_of, sample_tags
from vreason_tracking.journal import Event, FinishedSample, Lease, RunFolder, SampleAssembly, SessionEnded, SessionStarted, read_fragment
from vreason_tracking.records import (
    CALL_TAG,
    COLOUR_TAG,
    CREATED_BY_TAG,
    ERROR_TAG,
    EXPECTED_SAMPLES_TAG,
    HEARTBEAT_TAG,
    KIND_TAG,
    NUMBER_TAG,
    RUN_TAG,
    SAMPLE_ID_TAG,
    SESSIONS_TAG,
    USER_TAG,
    VARIANT_KIND,
    EntropyCurve,
    RecordTables,
    RunSummary,
)
from vreason_tracking.stores import PARENT_TAG, MlflowStore, Point, portable_uri, sanitize_text
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
        self._assembly = SampleAssembly()
        self._fragment = 1
        self._devices = 0
        self._device_points = 0  # of those that wait in the series
        self._session = 0
        self._pending: deque[Callable[[], None]] = deque()
        self._series: list[Point] = []  # of the variant's own run
        self._maybe_created = True  # the next nested run may be there already, made by an attempt that did not come to marking it
        self._interrupted = self.log.delivered.run_id is not None
        self._present: dict[str, str] | None = None  # nested runs that an earlier attempt left, marked or not, by sample

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
                self._open()
            elif not self._pending and not self._read():
                return False
            else:
                if self._pending:
                    self._pending[0]()
                    self._pending.popleft()
        except Exception:
            self._maybe_created = self._interrupted = True
            raise
        return True

    def idle(self) -> bool:
        """Nothing more to read for now: send the points that wait for more. Whether there was something."""
        return self._send_series(0)

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
        elif isinstance(event, SessionEnded):
            self._pending.append(lambda: self._end(event))

    def _take_device(self, record: DeviceRecord) -> None:
        self._devices += 1
        if self._devices > self.log.delivered.devices:
            points = device_series(record, self.manifest.created_ms)
            self._device_points += len(points)
            self._series += points

    # --- sending ---

    def _open(self) -> None:
        """Make the variant's run, or find the one that an earlier attempt made."""
        manifest = self.manifest
        found = self._find(f"tags.`{RUN_TAG}` = '{self.folder.run_id}'")
        self._interrupted |= found is not None
        tags = {
            **manifest.tags,
            RUN_TAG: self.folder.run_id,
            KIND_TAG: VARIANT_KIND,
            COLOUR_TAG: manifest.colour,
            CALL_TAG: manifest.call_id,
        }
        if manifest.sample_ids:  # a program's own loop does not say
            tags |= {EXPECTED_SAMPLES_TAG: str(len(manifest.sample_ids))}
        if user := manifest.tags.get(USER_TAG):
            tags[CREATED_BY_TAG] = user  # MLflow's "Created by"
        run_id = found or self.store.start_run(manifest.variant, tags, started_ms=manifest.created_ms)
        self.store.log(run_id, params=manifest.params)
        config = self.scratch_dir / "config.yaml"
        config.write_text(manifest.config, encoding="utf-8")
        self.store.log_files(run_id, [config])
        self.log.opened(run_id, self.store.experiment_id, portable_uri(self.store.uri))
        _log.info("run %s (%s) %s in the store as %s", self.folder.run_id, manifest.variant, "found" if found else "opened", run_id)
        self.writes += 1

    def _send_sample(self, finished: FinishedSample) -> None:
        name = finished.sample.sample_id
        if name not in self.log.delivered.samples:
            parent, end = self._run_id, ended_ms(finished)
            nested = self._nested(name)
            if nested is None:
                tags = {**sample_tags(finished.sample), NUMBER_TAG: f"{finished.number:07d}"}
                nested = self.store.start_run(name, tags, parent, finished.sample.started_ms)
            points = points_of(finished)
            self.store.log(nested, points)
            self.store.end_run(nested, "FAILED" if finished.sample.error else "FINISHED", end)
            self.log.sample(name, nested, len(points))
            _log.debug("run %s: sample %s sent, %d points", self.folder.run_id, name, len(points))
            self._maybe_created = False
            self.writes += 1
        self._send_series(_AT_ONCE)

    def _send_series(self, least: int) -> bool:
        """The variant's own series, once there is more than `least` of them. Whether there was."""
        if len(self._series) <= least or self.log.delivered.run_id is None:
            return False
        self.store.log(self._run_id, self._series)
        self._series.clear()
        if self._devices > self.log.delivered.devices:
            self.log.devices(self._devices, self._device_points)
            self._device_points = 0
        self.writes += 1
        return True

    def _reopen(self) -> None:
        """A killed run goes on."""
        if self._session > self.log.delivered.session:
            self.store.reopen_run(self._run_id, {SESSIONS_TAG: str(self._session)})
            self.writes += 1

    def _end(self, end: SessionEnded) -> None:
        if self._has_later_session():
            return
        self.ended = end.session <= self.log.delivered.session
        if not self.ended:
            self._close_run(end)

    def _close_run(self, end: SessionEnded) -> None:
        self._send_series(0)
        if self._interrupted:
            self._remove_strays()
        writes = self.manifest.sample_ids if end.status == "FINISHED" else ()
        missing = frozenset(self._assembly.incomplete) | (frozenset(writes) - self._assembly.done)
        closing = RunFinalizer(self.manifest, end, self.summary, self.curve, len(self._assembly.done), missing)
        try:
            self.tables.close()
        except Exception:
            self.broken = True
            raise
        closing.write(self.store, self._run_id, self.scratch_dir, self.tables.paths.values())
        self.log.closed(end.session, end.status)
        _log.info("run %s delivered to its end: %s, %d sample(s)", self.folder.run_id, end.status, len(self._assembly.done))
        self.ended = True
        self.writes += 1

    def _has_later_session(self) -> bool:
        """Whether another session stands behind the fragment just read: then that one's end counts."""
        return self._next_fragment() is not None

    # --- what an earlier attempt may have left ---

    @property
    def _run_id(self) -> str:
        run_id = self.log.delivered.run_id
        assert run_id is not None
        return run_id

    def _nested(self, sample_id: str) -> str | None:
        """The nested run of a sample that is not marked, if an earlier attempt made one."""
        if self._present is None:
            left = self._nested_runs() if self._interrupted else ()
            self._present = {run.data.tags.get(SAMPLE_ID_TAG, ""): run.info.run_id for run in left}
        elif self._maybe_created:
            self._present |= {run.data.tags.get(SAMPLE_ID_TAG, ""): run.info.run_id for run in self._nested_runs()}
        return self._present.get(sanitize_text(sample_id))

    def _nested_runs(self) -> Sequence[Any]:
        """Those of the store, the newest first: of two of one sample the older one counts."""
        return self._search(f"tags.`{PARENT_TAG}` = '{self._run_id}'", "DESC")

    def _remove_strays(self) -> None:
        """A request that was given up may have made a run after all, later than anybody could look for it."""
        known = {self._run_id, *self.log.delivered.samples.values()}
        variants = self._search(f"tags.`{RUN_TAG}` = '{self.folder.run_id}' AND tags.`{KIND_TAG}` = '{VARIANT_KIND}'")
        samples = [run for run in self._nested_runs() if run.data.tags.get(SAMPLE_ID_TAG)]
        for run in (*variants, *samples):
            if run.info.run_id not in known:
                self.store.client.delete_run(run.info.run_id)

    def _find(self, query: str) -> str | None:
        runs = self._search(query)
        return str(runs[0].info.run_id) if runs else None

    def _search(self, query: str, order: str = "ASC") -> Sequence[Any]:
        return self.store.all_runs(query, f"attributes.start_time {order}")


def require_same_store(delivery: RunDelivery) -> None:
    """Stop before a run is delivered to a store that does not know it, though another one took the beginning of it.

    Raises:
        TrackingError: the run that the marks name is not in this store.
    """
    delivered = delivery.log.delivered
    if delivered.run_id and not delivery.store.has_run(delivered.run_id):
        raise TrackingError(
            f"run {delivery.folder.run_id} was delivered to {delivered.uri} as {delivered.run_id}, which this store does not hold: name the"
            f" right one with --tracking-uri, or deliver everything anew with --again"
        )
