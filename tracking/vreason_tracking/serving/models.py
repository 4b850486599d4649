"""The models of a server: each by the name that clients use, loaded, watched, and swapped without a lost request."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from vreason.errors import TrackingError, UnsupportedModelError, VReasonError
from vreason.generation import Finished
from vreason.models import LoadedModel
from vreason_tracking.bundles import CODE, WEIGHTS, Bundle, Reference, Registry, Version, VideoAccess, load_bundle_model
from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.jobs import Job
from vreason_tracking.serving.limits import ServingLimits
from vreason_tracking.serving.served_model import ServedModel
from vreason_tracking.serving.worker import MakeEngine, ModelWorker

_log = logging.getLogger(__name__)

_LOADING = threading.Lock()
"""One model is loaded at a time: transformers imports its modules, and sets torch's default type, for the whole process."""
_GRACE = 2.0  # seconds
Answered = Callable[[ServedModel, Job, Finished], None]


@dataclass(frozen=True)
class ModelParts:
    """What every model of a server is made with.

    Attributes:
        access, limits, readers: see `ServedModel`.
        make_engine: see `ModelWorker`.
        device: in the place of the registered one; None keeps that.
        on_answer: told of every end, in the worker's thread.
    """

    access: VideoAccess
    limits: ServingLimits
    readers: Executor
    make_engine: MakeEngine
    device: str | None
    on_answer: Answered


class ServedModels:
    """The models, by name. A name is the reference as it was given, "shapes@champion"; the model's bare name leads to the first of its own.

    Args:
        registry: where they are.
        references: which ones.
        parts: what they are made with.

    Raises:
        TrackingError: one cannot be found, or is retired.
    """

    def __init__(self, registry: Registry, references: Sequence[str], parts: ModelParts) -> None:
        self._registry, self._parts = registry, parts
        self.references = {str(reference): reference for reference in map(Reference.parse, references)}
        self._models: dict[str, ServedModel] = {}
        self._retiring: list[threading.Thread] = []
        self._unusable: dict[str, str] = {}  # by name, the version that could not be loaded: it is not tried again
        for name, reference in self.references.items():
            self._models[name] = self._made(name, usable(registry.find(reference)))

    def start(self) -> None:
        """Begin to load all."""
        for model in self._models.values():
            model.worker.start()

    def wait_until_loaded(self) -> None:
        """Wait for all.

        Raises:
            VReasonError: one cannot be loaded.
        """
        for model in self._models.values():
            _wait(model.worker)

    @property
    def by_name(self) -> Mapping[str, ServedModel]:
        """As they are now."""
        return dict(self._models)

    def find(self, name: str | None) -> ServedModel:
        """The model that a client asks for; the first one where it names none.

        Raises:
            RequestError: there is none such.
        """
        models = self.by_name
        if name is None:
            return next(iter(models.values()))
        if name in models:
            return models[name]
        wanted = name.removeprefix("models:/")
        for key, model in models.items():
            if wanted in (key, model.version.name, model.version.label):
                return model
        raise RequestError(404, f"model: {name[:100]!r} is not served here; there are {', '.join(models)}", "model")

    @property
    def ready(self) -> bool:
        """Whether every model is loaded and its worker alive."""
        return all(model.worker.ready.is_set() and model.worker.alive for model in self._models.values())

    @property
    def failed(self) -> list[str]:
        """Names of the models whose worker has died."""
        return [name for name, model in self._models.items() if model.worker.failure is not None]

    def look_for_moved(self) -> list[str]:
        """Load what an alias points at now beside what it pointed at before, and swap them; returns the new versions' labels.

        Requests that are under way are answered by the version that took them.
        """
        moved = []
        for name, reference in self.references.items():
            if reference.version is not None:
                continue
            try:
                version = usable(self._registry.find(reference))
                if version.label in (self._models[name].version.label, self._unusable.get(name)):
                    continue
                self._unusable[name] = version.label
                self._swap(name, version)
                del self._unusable[name]
                moved.append(version.label)
            except (VReasonError, OSError) as error:
                _log.warning("model %s: what it points at now cannot be served, and the version before goes on: %s", name, error)
        return moved

    def _swap(self, name: str, version: Version) -> None:
        _log.info("model %s has moved to %s; it is loaded beside the one that serves", name, version.label)
        new = self._made(name, version)
        new.worker.start()
        _wait(new.worker)
        old, self._models[name] = self._models[name], new
        ending = threading.Thread(target=self._end, args=(old,), daemon=True, name=f"end {old.version.label}")
        ending.start()
        self._retiring = [thread for thread in self._retiring if thread.is_alive()] + [ending]
        _log.info("model %s is %s now", name, version.label)

    def _end(self, old: ServedModel) -> None:
        """Let a version end that has been replaced, once requests that had just found it have their places."""
        time.sleep(_GRACE)
        old.worker.stop(self._parts.limits.request_seconds)

    def stop(self, seconds: float) -> None:
        """Finish what is there within a time, and end."""
        stopping = [threading.Thread(target=model.worker.stop, args=(seconds,)) for model in self._models.values()]
        for thread in stopping:
            thread.start()
        for thread in (*stopping, *self._retiring):
            thread.join(seconds + 10.0)

    def _made(self, name: str, version: Version) -> ServedModel:
        bundle, included = self._fetched(version)
        load = partial(_loaded, bundle, included, self._parts.device)
        made: list[ServedModel] = []
        worker = ModelWorker(
            name,
            load,
            self._parts.make_engine,
            self._parts.limits.queue,
            lambda job, finished: self._parts.on_answer(made[0], job, finished),
        )
        made.append(ServedModel(name, version, bundle, worker, self._parts.access, self._parts.limits, self._parts.readers))
        return made[0]

    def _fetched(self, version: Version) -> tuple[Bundle, Path | None]:
        """The bundle, and the folder of its weights where they are part of it; its code can be imported from then on."""
        bundle = self._registry.bundle(version)
        if not bundle.model.included and not bundle.code:
            return bundle, None
        kept = Path(mkdtemp(prefix="vreason-model-"))
        with self._registry.files(version) as folder:
            if bundle.code:
                shutil.copytree(folder / CODE, kept / CODE)
                sys.path.insert(0, str(kept / CODE))
            if not bundle.model.included:
                return bundle, None
            shutil.copytree(folder / "artifacts" / WEIGHTS, kept / WEIGHTS)
            return bundle, kept / WEIGHTS


def _loaded(bundle: Bundle, included: Path | None, device: str | None) -> LoadedModel:
    """The model; a copy of its weights that was fetched for it is not needed after that."""
    try:
        with _LOADING:
            return load_bundle_model(bundle, included, device)
    finally:
        if included is not None:
            shutil.rmtree(included, ignore_errors=True)


def usable(version: Version) -> Version:
    """The version, if it is not retired.

    Raises:
        TrackingError: it is.
    """
    if version.retired:
        raise TrackingError(f"{version.label} is retired ({version.retired}); serve another version, or let the alias point at one")
    return version


def _wait(worker: ModelWorker) -> None:
    while not worker.ready.wait(0.2):
        if worker.failure is not None:
            failure = worker.failure
            if isinstance(failure, VReasonError):
                raise failure
            raise UnsupportedModelError(f"model {worker.name}: cannot be loaded ({failure}); see the log") from failure
