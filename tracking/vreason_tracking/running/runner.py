"""Runs an experiment: all variants over all samples, each variant one run of the journal, delivered to MLflow on the side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vreason.errors import DataError, TrackingError
from vreason.listeners import Listener, ListenerGuard, RunStarted
from vreason_tracking.catalog import reap_journal
from vreason_tracking.delivery import BackgroundDelivery, read_delivered
from vreason_tracking.health import place_checks
from vreason_tracking.journal import RunFolder, closed_samples, last_end, readable_runs, recorded_points
from vreason_tracking.records import CONFIG_FILE_TAG, DATA_DIGEST_TAG, DTYPE_TAG, MODEL_REVISION_TAG, RunSummary
from vreason_tracking.running.inputs import evaluation_config, load_samples, require_plugins, run_tags, variant_params
from vreason_tracking.running.listening import load_listeners
from vreason_tracking.running.manifests import manifest_of
from vreason_tracking.running.plan import Plan, Task, VariantRequest, plan
from vreason_tracking.running.results import VariantResult, as_delivered
from vreason_tracking.running.signals import terminable
from vreason_tracking.running.stage import Stage
from vreason_tracking.running.variant_session import finished_event
from vreason_tracking.settings import RunSettings, fingerprint_of
from vreason_tracking.stores import portable_uri
from vreason_tracking.telemetry import MemorySampler

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.models import FoundModel, LoadedModel


class Experiment:
    """One call of `run`: every variant of a config, or what an earlier call left undone.

    Args:
        settings: the experiment.
        listeners: told how it goes, beside those that the settings name.
        config_file: where the settings were read from, for the record; `card.md` beside it is the hand-written part of a model card.

    Attributes:
        results: what became of each variant so far; complete, in the settings' order and with the state of delivery, once `run` has
            returned or raised.
    """

    def __init__(self, settings: RunSettings, listeners: Sequence[Listener] = (), config_file: Path | None = None) -> None:
        self.settings, self._config_file = settings, config_file
        self.results: list[VariantResult] = []
        self._listeners = tuple(listeners)
        self._root = settings.tracking.journal_folder()
        self._delivery: BackgroundDelivery | None = None

    def run(self, resume: str | None = None, retry_failed: bool = False) -> list[VariantResult]:
        """Run it.

        On an exception, Ctrl-C and SIGTERM included, the runs under way are closed as FAILED or KILLED with the samples that were finished,
        what can be delivered within a bound is delivered, and the exception goes on.

        Args:
            resume: None begins anew; else what is continued (see `vreason_tracking.running.plan.plan`).
            retry_failed: whether samples that failed before are asked again.

        Raises:
            VReasonError: model, data, plug-ins, journal or tracking store cannot be used, or what is to be continued was begun with
                something else.
            DataError: a variant came to its end and answered nothing, or was not asked everything, because videos could not be read.
        """
        from vreason.models import find_model

        self._guard = ListenerGuard((*self._listeners, *load_listeners(self.settings.listeners)))
        require_plugins(self.settings)
        samples = load_samples(self.settings)
        self._look_at_places(samples)
        found = find_model(self.settings.model)
        with terminable(), ExitStack() as closing:
            self._reap()
            if self.settings.tracking.mode == "online":
                uri = self.settings.tracking.resolved_uri()
                self._delivery = BackgroundDelivery(uri, self.settings.tracking.experiment, self._root, self._notice)
                closing.enter_context(self._delivery)
            closing.callback(self._settle)
            with MemorySampler() as meter:
                self._work(samples, found, meter, partial(plan, resume=resume, retry_failed=retry_failed))
        return self.results

    def _notice(self, text: str) -> None:
        self._guard.tell("on_notice", text)

    def _look_at_places(self, samples: Sequence[Sample]) -> None:
        """Say at once which videos are not there: their samples will fail, perhaps hours from now; and where the journal has little room.

        Raises:
            TrackingError: the journal cannot be written.
        """
        for check in place_checks(self._root, "journal"):
            if check.name == "journal" and check.state == "failure":
                raise TrackingError(f"journal: {check.detail}; {check.hint}")
            if check.state != "ok":
                self._notice(f"{check.detail}: {check.hint}")
        paths = list(dict.fromkeys(sample.video for sample in samples))
        if gone := [path for path in paths if not os.path.exists(path)]:
            where = f"{gone[0]}{f' and {len(gone) - 1} more' if len(gone) > 1 else ''}"
            self._notice(f"{len(gone)} of {len(paths)} video(s) are not there, and their samples will fail: {where}")

    def _reap(self) -> None:
        """Close what dead processes left; what cannot be closed is in nobody's way."""
        try:
            for reaped in reap_journal(self._root):
                self._notice(f"run {reaped.run_id} ({reaped.name}): its process is gone, it is closed as KILLED")
        except TrackingError as error:
            self._notice(f"an earlier run could not be closed: {error}")

    def _settle(self) -> None:
        """Wait for delivery within its bounds, or until somebody is tired of it; the results then know how far it came."""
        try:
            if self._delivery is not None:
                self._delivery.finish()
        finally:
            order = [variant.name for variant in self.settings.resolved_variants()]
            self.results[:] = map(as_delivered, sorted(self.results, key=lambda result: order.index(result.name)))

    def _work(self, samples: Sequence[Sample], found: FoundModel, meter: MemorySampler, make_plan: Callable[..., Plan]) -> None:
        """Load the model, settle what is to be done, and do it."""
        from vreason.benchmarks import data_digest
        from vreason.models import load_model

        loaded = load_model(self.settings.model, found)
        if self._delivery is not None:
            self._delivery.require_store()
        self._guard.tell("on_run_started", self._started(loaded, len(samples)))
        tags = run_tags(self.settings, loaded, meter, data_digest(samples))
        if self._config_file is not None:
            tags[CONFIG_FILE_TAG] = str(self._config_file.absolute())
        todo = make_plan(self.settings, self._requests(tags), self._root)
        for note in todo.notes:
            self._notice(note)
        if self._delivery is not None:
            self._deliver_what_waits(self._delivery, todo)
        for stage in self._stages(todo, tags, samples, loaded, meter):
            stage.run()
        if short := [f"{result.name}: {result.error}" for result in self.results if result.status == "FAILED"]:
            raise DataError("; ".join(short))

    def _started(self, loaded: LoadedModel, samples: int) -> RunStarted:
        names = tuple(variant.name for variant in self.settings.resolved_variants())
        model = f"{self.settings.model.id} ({loaded.dtype})"
        return RunStarted(self.settings.name, model, loaded.device, samples, names, self.settings.schedule)

    def _requests(self, tags: dict[str, str]) -> list[VariantRequest]:
        return [
            VariantRequest(
                variant,
                variant_params(self.settings, variant),
                fingerprint_of(self.settings, variant, tags[MODEL_REVISION_TAG], tags[DTYPE_TAG], tags[DATA_DIGEST_TAG]),
            )
            for variant in self.settings.resolved_variants()
        ]

    def _stages(
        self, todo: Plan, tags: dict[str, str], samples: Sequence[Sample], loaded: LoadedModel, meter: MemorySampler
    ) -> list[Stage]:
        """What is done at once: all variants together, or each by itself."""
        groups = [list(todo.tasks)] if self.settings.schedule == "interleaved" else [[task] for task in todo.tasks]
        return [
            Stage(
                tasks=group,
                samples=samples,
                batch_size=self.settings.batch_size,
                seed=self.settings.seed,
                ranked=self.settings.schedule == "interleaved",
                root=self._root,
                retry_timeout=self.settings.tracking.disk_retry_timeout,
                manifest=lambda task: manifest_of(self.settings, task, todo, tags, samples),
                config=lambda task: evaluation_config(self.settings, task.request.variant),
                loaded=loaded,
                meter=meter,
                guard=self._guard,
                delivery=self._delivery,
                keep=self._keep,
                done=self._done,
            )
            for group in groups
        ]

    def _keep(self, task: Task) -> None:
        """A variant that an earlier call finished."""
        folder = task.folder
        assert folder is not None, "only a run that is there can be finished"
        if self._delivery is not None:
            (self._delivery.deliver if _waits(folder) else self._delivery.look_for)(folder)
        summary = RunSummary.of(entry.sample for entry in closed_samples(folder))
        name, points = task.request.variant.name, recorded_points(folder)
        self._done(VariantResult(name, folder, "FINISHED", points, (), True, summary, run_id=folder.run_id))

    def _done(self, result: VariantResult) -> None:
        self.results.append(result)
        self._guard.tell("on_variant_finished" if result.status == "FINISHED" else "on_variant_failed", finished_event(result))

    def _deliver_what_waits(self, delivery: BackgroundDelivery, todo: Plan) -> None:
        """Runs of earlier calls that this store has not got yet."""
        address = portable_uri(self.settings.tracking.resolved_uri())
        busy = {task.folder.run_id for task in todo.tasks if task.folder}
        for folder in readable_runs(self._root):
            manifest = folder.manifest
            if (manifest.mode, manifest.tracking_uri) != ("online", address) or folder.run_id in busy:
                continue
            try:
                if _waits(folder):
                    delivery.deliver_waiting(folder)
            except (TrackingError, OSError) as error:  # somebody else's, in a journal that several share
                self._notice(f"run {folder.run_id} of an earlier call cannot be read and is not delivered: {error}")


def run_experiment(
    settings: RunSettings, listeners: Sequence[Listener] = (), resume: str | None = None, retry_failed: bool = False
) -> list[VariantResult]:
    """Run all variants of a config and return what became of them; see `Experiment`, which also has the results of a run that failed."""
    return Experiment(settings, listeners).run(resume, retry_failed)


def _waits(folder: RunFolder) -> bool:
    """Whether a run that has ended is not yet delivered to that end, nor refused."""
    state, end = read_delivered(folder.delivery_log), last_end(folder)
    return end is not None and state.session < end.session and state.rejected is None
