"""Answers a caller's records with a loaded bundle, one after another: what `mlflow.pyfunc` and `mlflow models serve` call.

Each record is answered by itself, in a batch of its own, as the registered run answered its samples: what came out there comes out here,
token by token. What is wrong with a record becomes its entry's `error`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vreason.benchmarks import Sample
from vreason.errors import ConfigError, VReasonError
from vreason.evaluation import Question, answer_of, request_of
from vreason.generation import BatchEngine, Finished
from vreason.models import LoadedModel
from vreason.video import ClipLimits, VideoConfig, read_video
from vreason_tracking.bundles.answers import Answered, as_data, error_data
from vreason_tracking.bundles.bundle import Bundle
from vreason_tracking.bundles.call_settings import CallSettings, call_settings
from vreason_tracking.bundles.question_input import question_input
from vreason_tracking.bundles.video_sources import VideoAccess, video_file

_log = logging.getLogger(__name__)


def question_of(sample: Sample, video: VideoConfig, access: VideoAccess, limits: ClipLimits | None = None) -> Question:
    """The question with its frames.

    Args:
        sample: its video as the caller names it; "" for none.
        video: which frames are read.
        access: which videos may be named.
        limits: what a clip may come to.

    Raises:
        VReasonError: the video may not be named, or cannot be used.
    """
    if not sample.video:
        return Question(sample, ())
    began = time.perf_counter()
    with video_file(sample.video, access) as path:
        frames = read_video(path, video, limits)
    return Question(sample, (frames,), (time.perf_counter() - began) * 1000)


@dataclass(frozen=True)
class Predictor:
    """A bundle with its model loaded. Safe to call from several threads: the model answers one of them at a time.

    Args:
        bundle: its description.
        loaded: its model.
        access: which videos a caller may name.
        lock: held while the model works.
    """

    bundle: Bundle
    loaded: LoadedModel
    access: VideoAccess
    lock: threading.Lock

    @classmethod
    def of(cls, bundle: Bundle, access: VideoAccess, included: Path | None = None, device: str | None = None) -> Predictor:
        """Load a bundle's model; `included` is the folder of its weights, where they are part of it.

        Raises:
            UnsupportedModelError: it cannot be loaded, or its files are not those that were registered.
        """
        from vreason_tracking.bundles.loading import load_bundle_model

        return cls(bundle, load_bundle_model(bundle, included, device), access, threading.Lock())

    def predict(self, records: Sequence[object], params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """An entry a record (see `answers.as_data`), in their order.

        Args:
            records: see `question_input`.
            params: see `call_settings`; those of all records.

        Raises:
            ConfigError: everything wrong with the parameters.
        """
        settings = call_settings(self.bundle, params)
        return [self._entry(record, settings, place) for place, record in enumerate(records)]

    def predict_stream(self, record: object, params: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The reply to one record as it is written, piece by piece.

        Raises:
            VReasonError: the record or the parameters are wrong, the video cannot be used, or the model failed.
        """
        settings = call_settings(self.bundle, params)
        question = question_of(question_input(record), settings.config.video, self.access)
        pieces: list[str] = []
        with self.lock:
            for finished in self._generate(question, settings, pieces, streamed=True):
                yield from pieces
                pieces.clear()
                if finished is not None and finished.error is not None:
                    raise VReasonError(f"{finished.error}; ask again, or see the server's log")

    def _entry(self, record: object, settings: CallSettings, place: int) -> dict[str, Any]:
        name = str(record.get("id") or "") if isinstance(record, Mapping) else ""
        try:
            sample = question_input(record, f"records.{place}")
            name = sample.sample_id
            question = question_of(sample, settings.config.video, self.access)
        except VReasonError as error:
            reason = "; ".join(map(str, error.issues)) if isinstance(error, ConfigError) else str(error)
            _log.warning("record %d cannot be answered: %s", place, reason)
            return error_data(name, reason)
        with self.lock:
            (finished,) = [each for each in self._generate(question, settings, [], streamed=False) if each is not None]
        answer = answer_of(question, finished, self.loaded, settings.config)
        return as_data(Answered(answer, finished.steps, settings.departures), settings.trace, self.bundle.scoring)

    def _generate(self, question: Question, settings: CallSettings, pieces: list[str], *, streamed: bool) -> Iterator[Finished | None]:
        """One step after another; the last one yields the end. `pieces` takes the new text."""
        request = request_of(question, question.sample.sample_id, self.loaded, settings.config, stop=settings.stop, streamed=streamed)
        engine = BatchEngine(self.loaded, batch_size=1)
        engine.add(request)
        try:
            while not engine.idle:
                pieces += [piece.text for piece in engine.step()]
                yield next(iter(engine.finished()), None)
        finally:
            engine.close()  # a caller that leaves a stream must not leave the model as it is within a batch
