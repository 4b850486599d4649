"""Variants that are worked on together: their runs are opened, their units worked off, and each run is closed with its true status."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vreason.errors import TrackingError
from vreason.events import PrefillRecord, SampleRecord
from vreason.listeners import ListenerGuard, VariantStarted
from vreason_tracking.delivery import BackgroundDelivery
from vreason_tracking.journal import Lease, LeaseTakenError, Manifest, RunFolder, recover, take_lease
from vreason_tracking.running.endings import ending_of
from vreason_tracking.running.executor import Executor, LocalExecutor, MakeExecutor
from vreason_tracking.running.plan import Task, refresh
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.running.results import VariantResult
from vreason_tracking.running.units import UnitEvent, plan_units
from vreason_tracking.running.variant_session import VariantSession
from vreason_tracking.telemetry import MemorySampler

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.evaluation import EvaluationConfig
    from vreason.models import LoadedModel

_log = logging.getLogger(__name__)


@dataclass
class Stage:
    """Some variants of a call, from the first lease to the last result.

    Attributes:
        tasks: the variants' parts of the call.
        samples, batch_size, seed: what is asked, and in which order variants answer.
        ranked: whether samples tell at which place their variant answered.
        root: the journal.
        retry_timeout: seconds for which a disk that refuses is tried again.
        manifest, config: make a new run's manifest, and a variant's configuration.
        loaded, meter: the model, and what samples the memory in use.
        guard: of the listeners.
        delivery: told of each run; None offline.
        keep, done: told of a variant that is finished already, and of each result.
        make_executor: makes who works the units off, of the model, the variants' configurations by position, and the meter.
    """

    tasks: Sequence[Task]
    samples: Sequence[Sample]
    batch_size: int
    seed: int
    ranked: bool
    root: Path
    retry_timeout: float
    manifest: Callable[[Task], Manifest]
    config: Callable[[Task], EvaluationConfig]
    loaded: LoadedModel
    meter: MemorySampler
    guard: ListenerGuard
    delivery: BackgroundDelivery | None
    keep: Callable[[Task], None]
    done: Callable[[VariantResult], None]
    make_executor: MakeExecutor = LocalExecutor
    sessions: dict[int, VariantSession] = field(default_factory=dict)
    _turn: int | None = None  # whose events the listeners were told last
    _executor: Executor | None = None

    def run(self) -> None:
        """Answer every sample that is not done.

        Raises:
            TrackingError: a run belongs to another process, or its record cannot be written.
            Exception: whatever ends the work; all runs of the stage are closed before.
        """
        with self._closing():
            for task in self.tasks:
                if task.finished or (session := self._open(task)) is None:
                    self.keep(task)
                else:
                    self.sessions[task.position] = session
                    self._tell_begin(session)
            self._work()

    def _open(self, task: Task) -> VariantSession | None:
        """Take the variant's run; None when it turns out to be finished by now."""
        if task.folder is None:
            return VariantSession(task, RunRecorder.create(self.root, self.manifest(task), self.retry_timeout))
        lease = _owned(task.folder)
        try:
            recover(task.folder)  # what a dead process left open counts as done, or not, before anything is asked again
            task = refresh(task)
        except BaseException:
            lease.release()
            raise
        if task.finished:
            lease.release()
            return None
        again = task.failed if task.retry_failed else ()
        return VariantSession(task, RunRecorder(task.folder or RunFolder(lease.path.parent), self.retry_timeout, lease, again))

    def _tell_begin(self, session: VariantSession) -> None:
        if self.delivery is not None:
            self.delivery.deliver(session.recorder.folder)
        started = VariantStarted(session.name, session.run_id, len(session.task.done))
        _log.info("run %s (%s) begins: %d of %d sample(s) done before", session.run_id, session.name, started.done, len(self.samples))
        with self._counting(session):
            self.guard.tell("on_variant_started" if session.task.folder is None else "on_variant_resumed", started)

    def _work(self) -> None:
        done = {position: session.task.done for position, session in self.sessions.items()}
        if not done:
            return
        units = plan_units(self.samples, self.batch_size, done, self.seed, len(self.tasks))
        self._executor = executor = self.make_executor(
            self.loaded, {position: self.config(self.sessions[position].task) for position in done}, self.meter
        )
        with ExitStack() as listening:
            for session in self.sessions.values():
                listening.enter_context(self.meter.listening(session.recorder.on_device))
            for _, position in executor.work(units, self._receive, ranked=self.ranked):
                self.sessions[position].check()
        for position, session in self.sessions.items():
            session.excluded |= executor.excluded(position)

    def _receive(self, told: UnitEvent) -> None:
        """First into the record, then to the listeners."""
        session, event = self.sessions[told.variant], told.event
        session.record(event)
        with self._counting(session):
            if self._turn != told.variant:
                self._turn = told.variant
                self.guard.tell("on_turn", session.name)
            if isinstance(event, SampleRecord):
                self.guard.sample(event)
            elif isinstance(event, PrefillRecord):
                self.guard.prefill(event)
            else:
                self.guard.steps(event)

    @contextmanager
    def _counting(self, session: VariantSession) -> Iterator[None]:
        """Failures of listeners that are told of a variant are noted with it."""
        before = Counter(self.guard.failures)
        try:
            yield
        finally:
            session.listener_failures += Counter(self.guard.failures) - before

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Close every run of the stage, whatever happens."""
        status, error, failures = "FINISHED", None, self.meter.errors
        try:
            yield
        except BaseException as failure:
            status, error = ending_of(failure)
            raise
        finally:
            failed = self.meter.errors - failures
            notes = [f"memory sampling failed {failed} time(s): {self.meter.last_error}"] if failed else []
            self._finish(status, error, notes)

    def _finish(self, status: str, error: str | None, notes: list[str]) -> None:
        """Raises the first failure once all are closed: another Ctrl-C meanwhile leaves none of them open."""
        broken: list[BaseException] = []
        for position, session in self.sessions.items():
            try:
                short = session.shortfall() if status == "FINISHED" else None
                session.close("FAILED" if short else status, short or self._reason(position, status, error), notes)
            except BaseException as failure:
                broken.append(failure)
        for session in self.sessions.values():
            try:
                result = session.result()
                why = f", {result.error}" if result.error else ""
                _log.info("run %s (%s) ended: %s, %d points recorded%s", session.run_id, session.name, result.status, result.recorded, why)
                self.done(result)
            except BaseException as failure:
                broken.append(failure)
        if broken:
            raise broken[0]

    def _reason(self, position: int, status: str, error: str | None) -> str | None:
        """What ended this variant: where another one failed, that is said."""
        failed = self._executor.current if self._executor is not None else None
        if status != "FAILED" or failed is None or failed == position:
            return error
        return f"ended because variant {self.sessions[failed].name} failed: {error}"


def _owned(folder: RunFolder) -> Lease:
    """The run's lease.

    Raises:
        TrackingError: another process has it.
    """
    try:
        return take_lease(folder.lease)
    except LeaseTakenError as error:
        raise TrackingError(f"{error}: two processes never own one run; stop that one, or wait for it") from error
