"""Runs an experiment: every variant over every sample, each variant one run of the journal, delivered to MLflow on the side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason_tracking.catalog import reap_journal
from vreason_tracking.delivery import BackgroundDelivery, read_delivered
from vreason_tracking.journal import (
    Lease,
    LeaseTakenError,
    Manifest,
    RunFolder,
    closed_samples,
    last_end,
    new_run_id,
    readable_runs,
    recorded_points,
)
from vreason_tracking.presentation import COLOURS
from vreason_tracking.record import RunSummary
from vreason_tracking.running.inputs import config_text, evaluation_config, load_samples, run_tags, variant_params
from vreason_tracking.running.plan import Plan, Task, VariantRequest, plan, refresh
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.running.results import RunWatcher, VariantResult
from vreason_tracking.running.signals import Terminated, terminable
from vreason_tracking.settings import RunSettings, identity_of
from vreason_tracking.stores import addresses
from vreason_tracking.telemetry import MemorySampler

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.models import LoadedModel

_log = logging.getLogger(__name__)


def run_experiment(settings: RunSettings, watcher: RunWatcher, resume: str | None = None) -> list[VariantResult]:
    """Run all variants in order.

    On an exception, Ctrl-C and SIGTERM included, the variant's run is closed as FAILED or KILLED with the samples that were finished, what
    can be delivered within a bound is delivered, and the exception goes on.

    Args:
        settings: the experiment.
        watcher: told how it goes.
        resume: None begins anew; else what is continued (see `vreason_tracking.running.plan.plan`).

    Raises:
        VReasonError: model, data, journal or tracking store cannot be used, or what is to be continued was begun with something else.
    """
    root = settings.tracking.journal_folder()
    samples = load_samples(settings)
    results: list[VariantResult] = []
    with terminable(), ExitStack() as closing:
        _reap(root, watcher)
        delivery = None
        if settings.tracking.mode == "online":
            uri = settings.tracking.resolved_uri()
            delivery = BackgroundDelivery(uri, settings.tracking.experiment, root, watcher.on_notice)
            closing.enter_context(delivery)
        closing.callback(_settle, delivery, results, watcher)
        with MemorySampler() as meter:
            _Experiment(settings, samples, watcher, meter, root, delivery, results).run(resume)
    return results


def _reap(root: Path, watcher: RunWatcher) -> None:
    """Close what dead processes left; what cannot be closed is in nobody's way."""
    try:
        for reaped in reap_journal(root):
            watcher.on_notice(f"run {reaped.run_id} ({reaped.name}): its process is gone, it is closed as KILLED")
    except TrackingError as error:
        watcher.on_notice(f"an earlier run could not be closed: {error}")


def _settle(delivery: BackgroundDelivery | None, results: list[VariantResult], watcher: RunWatcher) -> None:
    """Wait for delivery within its bounds, or until somebody is tired of it; the results then know how far it came."""
    try:
        if delivery is not None:
            delivery.finish()
    finally:
        results[:] = map(_as_delivered, results)
        watcher.on_delivered(results)


def _owned(folder: RunFolder) -> Lease:
    """The run's lease.

    Raises:
        TrackingError: another process has it.
    """
    try:
        return Lease(folder.lease)
    except LeaseTakenError as error:
        raise TrackingError(f"{error}: two processes never own one run; stop that one, or wait for it") from error
    except OSError as error:
        raise TrackingError(f"{folder.lease}: cannot be locked ({error}); mend the folder's rights") from error


def _waits(folder: RunFolder) -> bool:
    """Whether a run that has ended is not yet delivered to that end, nor refused."""
    marks, end = read_delivered(folder.delivery_log), last_end(folder)
    return end is not None and marks.session < end.session and marks.rejected is None


def _as_delivered(result: VariantResult) -> VariantResult:
    marks = read_delivered(result.folder.delivery_log)
    run_id = marks.run_id or result.run_id
    return replace(result, delivered=marks.points, run_id=run_id, experiment_id=marks.experiment_id, rejected=marks.rejected)


@dataclass
class _Experiment:
    """One call of `run_experiment`."""

    settings: RunSettings
    samples: Sequence[Sample]
    watcher: RunWatcher
    meter: MemorySampler
    root: Path
    delivery: BackgroundDelivery | None
    results: list[VariantResult]

    def run(self, resume: str | None) -> None:
        """Load the model, settle what is to be done, and do it."""
        from vreason.benchmarks import data_digest
        from vreason.models import ModelSpec, load_model

        loaded = load_model(ModelSpec(**self.settings.model.model_dump()))
        if self.delivery is not None:
            self.delivery.require_store()
        self.watcher.on_loaded(f"{self.settings.model.id} ({loaded.dtype})", loaded.device, len(self.samples))
        tags = run_tags(self.settings, loaded, self.meter, data_digest(self.samples))
        todo = plan(self.settings, self._requests(tags), self.root, resume)
        if self.delivery is not None:
            self._deliver_what_waits(self.delivery, todo)
        for task in todo.tasks:
            if task.finished:
                self._keep(task)
            else:
                self._run_variant(task, loaded, lambda task=task: self._manifest(task, todo, tags))  # type: ignore[misc]

    def _requests(self, tags: dict[str, str]) -> list[VariantRequest]:
        return [
            VariantRequest(
                variant,
                variant_params(self.settings, variant),
                identity_of(self.settings, variant, tags["model.revision"], tags["dtype"], tags["data.digest"]),
            )
            for variant in self.settings.resolved_variants()
        ]

    def _manifest(self, task: Task, todo: Plan, tags: dict[str, str]) -> Manifest:
        identity = task.request.identity
        tracking = self.settings.tracking
        return Manifest(
            run_id=new_run_id(),
            variant=task.request.variant.name,
            call_id=todo.call_id,
            call_position=task.position,
            call_variants=len(todo.tasks),
            config_name=self.settings.name,
            experiment=tracking.experiment,
            tracking_uri=addresses.portable_uri(tracking.resolved_uri()),
            mode=tracking.mode,
            colour=next(islice(cycle(COLOURS), task.position, None)),
            config=config_text(self.settings),
            created_ms=unix_ms(),
            params=task.request.params,
            tags={**tags, **{f"identity.{part}": digest for part, digest in identity.items()}, "vreason.call": todo.call_id},
            identity=identity,
            sample_ids=tuple(sample.sample_id for sample in self.samples),
        )

    def _deliver_what_waits(self, delivery: BackgroundDelivery, todo: Plan) -> None:
        """Runs of earlier calls that this store has not got yet."""
        address = addresses.portable_uri(self.settings.tracking.resolved_uri())
        busy = {task.folder.run_id for task in todo.tasks if task.folder}
        for folder in readable_runs(self.root):
            manifest = folder.manifest
            if (manifest.mode, manifest.tracking_uri) == ("online", address) and folder.run_id not in busy and _waits(folder):
                delivery.deliver_waiting(folder)

    def _keep(self, task: Task) -> None:
        """A variant that an earlier call finished."""
        assert task.folder is not None
        if self.delivery is not None and _waits(task.folder):
            self.delivery.deliver(task.folder)
        summary = RunSummary.of(closed.sample for closed in closed_samples(task.folder))
        name = task.request.variant.name
        points = recorded_points(task.folder)
        result = VariantResult(name, task.folder, "FINISHED", points, (), True, summary, run_id=task.folder.run_id)
        self.results.append(result)
        self.watcher.on_result(result)

    def _run_variant(self, task: Task, loaded: LoadedModel, manifest: Callable[[], Manifest]) -> None:
        """Answer every sample that is not done."""
        from vreason.evaluation import Evaluation

        retry_timeout, folder = self.settings.tracking.disk_patience, task.folder
        if folder is None:
            recorder = RunRecorder.create(self.root, manifest(), retry_timeout)
        else:
            lease = _owned(folder)
            task = refresh(task)
            if task.finished:
                lease.release()
                self._keep(task)
                return
            recorder = RunRecorder(folder, retry_timeout, lease)
        with self._closing(recorder, task) as notes:
            if self.delivery is not None:
                self.delivery.deliver(recorder.folder)
            _log.info(
                "run %s (%s) begins: %d of %d sample(s) done before",
                recorder.folder.run_id,
                task.request.variant.name,
                len(task.done),
                len(self.samples),
            )
            self.watcher.on_variant(task.request.variant.name, recorder.folder.run_id, len(task.done))
            config = evaluation_config(self.settings, task.request.variant)
            evaluation = Evaluation(loaded, config, [recorder, self.watcher], self.meter)
            with self.meter.listening(recorder.on_device):
                for _ in evaluation.run(self.samples, task.done):
                    recorder.check()
            notes += [f"listener {name} failed {count} time(s)" for name, count in evaluation.guard.failures.items()]

    @contextmanager
    def _closing(self, recorder: RunRecorder, task: Task) -> Iterator[list[str]]:
        """Close the variant's run with the status that is true, and report it."""
        status, error = "FINISHED", None
        notes: list[str] = []
        failures = self.meter.errors
        try:
            yield notes
        except Terminated:
            status, error = "KILLED", "terminated (SIGTERM)"
            raise
        except KeyboardInterrupt:
            status, error = "KILLED", "interrupted from the keyboard"
            raise
        except BaseException as fault:
            status, error = "FAILED", f"{type(fault).__name__}: {fault}"
            raise
        finally:
            if failed := self.meter.errors - failures:
                notes.append(f"memory sampling failed {failed} time(s): {self.meter.last_error}")
            self._finish(recorder, task, status, error, notes)

    def _finish(self, recorder: RunRecorder, task: Task, status: str, error: str | None, notes: list[str]) -> None:
        failure: list[Any] = []
        try:
            recorder.finish(status, error, notes)
        except TrackingError as fault:
            failure.append(fault)
            status = "FAILED"
        summary = RunSummary.of(closed.sample for closed in closed_samples(recorder.folder))
        recorded = recorded_points(recorder.folder)
        name = task.request.variant.name
        _log.info(
            "run %s (%s) ended: %s, %d points recorded%s", recorder.folder.run_id, name, status, recorded, f", {error}" if error else ""
        )
        result = VariantResult(name, recorder.folder, status, recorded, tuple(notes), False, summary, run_id=recorder.folder.run_id)
        self.results.append(result)
        self.watcher.on_result(result)
        if failure:
            raise failure[0]
