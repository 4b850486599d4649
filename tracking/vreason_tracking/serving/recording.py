"""Served replies in the journal, as a run has its samples: so that what happens in production can be held against the registered run.

Bounded in size and time. The texts of questions and replies and the names of videos are left out unless somebody asks for them. What stays
are entropies, controller steps, lengths, times, failure signatures, and the ids of the reply's tokens: the model's tokenizer can read them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vreason.errors import ConfigError, ConfigIssue
from vreason.events import SampleRecord
from vreason.generation import Finished
from vreason_tracking.bundles import Bundle, Version
from vreason_tracking.records import CONFIG_NAME_TAG, IDENTITY_PREFIX, SERVED_SOURCE, SERVED_TAG, SOURCE_TAG, provenance
from vreason_tracking.running import RunRecorder, served_manifest
from vreason_tracking.serving.jobs import Job
from vreason_tracking.serving.served_model import ServedModel

_log = logging.getLogger(__name__)

Record = Callable[[ServedModel, Job, Finished], None]


@dataclass(frozen=True)
class ServedRecording:
    """How replies are recorded.

    Attributes:
        root: the journal's folder.
        uri: of the store to which `journal deliver` carries them.
        experiment: MLflow's.
        max_bytes: of a version's record; it is closed then.
        max_seconds: after which it is closed.
        content: whether questions, replies and the names of videos are recorded too.
    """

    root: Path
    uri: str
    experiment: str = "vreason"
    max_bytes: int = 2**30
    max_seconds: float = 7 * 86_400.0
    content: bool = False

    def __post_init__(self) -> None:
        wrong = [name for name in ("max_bytes", "max_seconds") if not getattr(self, name) > 0]
        if wrong:
            raise ConfigError([ConfigIssue(name, f"{getattr(self, name)} is not above 0") for name in wrong])

    @contextmanager
    def open(self) -> Iterator[Record]:
        """What a server tells of each reply; every record is closed at the end of the block."""
        book = _Book(self)
        try:
            yield book.record
        finally:
            book.close()


class _Book:
    """The records of a server, one for each version that it has served."""

    def __init__(self, settings: ServedRecording) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._open: dict[str, tuple[RunRecorder, float]] = {}
        self._closed: set[str] = set()

    def record(self, model: ServedModel, job: Job, finished: Finished) -> None:
        """Write a reply, while there is room."""
        name = model.version.label
        with self._lock:
            if name in self._closed:
                return
            if name not in self._open:
                self._open[name] = self._begun(model.version, model.bundle), time.monotonic()
            recorder, since = self._open[name]
            recorder.on_steps(finished.steps)
            recorder.on_sample(self._kept(model.record(job, finished), finished.request_id))
            if self._is_full(recorder, since):
                _log.warning("the record of %s has come to its limit; it is closed, and what follows is not recorded", name)
                self._finish(name)

    def _begun(self, version: Version, bundle: Bundle) -> RunRecorder:
        settings, origin = self._settings, bundle.origin
        tags = {**origin.tags, **provenance.version_tags(), **provenance.machine_tags()}
        tags |= {f"{IDENTITY_PREFIX}{part}": digest for part, digest in origin.identity.items()}
        tags |= {SOURCE_TAG: SERVED_SOURCE, SERVED_TAG: version.label, CONFIG_NAME_TAG: f"served {version.name}"}
        manifest = served_manifest(version.label, bundle.model_dump_json(), origin.identity, tags, settings.experiment, settings.uri)
        recorder = RunRecorder.create(settings.root, manifest)
        _log.info("replies of %s are recorded in %s", version.label, recorder.folder.path)
        return recorder

    def _kept(self, sample: SampleRecord, name: str) -> SampleRecord:
        """Without what a client has sent and was told, unless that was asked for."""
        if self._settings.content:
            video = "" if sample.video.startswith("data:") else sample.video
            return replace(sample, sample_id=name, video=video)
        error = "failed" if sample.error is not None else None
        bare = replace(sample, sample_id=name, video="", question="", options=(), error=error)
        return replace(bare, output="", prediction=None, token_ends=())

    def _is_full(self, recorder: RunRecorder, since: float) -> bool:
        if time.monotonic() - since > self._settings.max_seconds:
            return True
        return sum(path.stat().st_size for path in recorder.folder.path.iterdir()) > self._settings.max_bytes

    def _finish(self, name: str) -> None:
        recorder, _ = self._open.pop(name)
        self._closed.add(name)
        recorder.finish("FINISHED")

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            for name in list(self._open):
                self._finish(name)
