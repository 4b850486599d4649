"""A bundle with its worker: from a question to the job that answers it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from vreason.benchmarks import Sample
from vreason.errors import VReasonError
from vreason.evaluation import Question, answer_of, request_of
from vreason.events import SampleRecord
from vreason.generation import Finished
from vreason.video import VideoConfig
from vreason_tracking.bundles import Bundle, CallSettings, Version, VideoAccess, question_of
from vreason_tracking.serving.failures import RequestError, request_error
from vreason_tracking.serving.jobs import CANCELLED, Job
from vreason_tracking.serving.limits import ServingLimits
from vreason_tracking.serving.worker import ModelWorker


@dataclass(frozen=True)
class ModelRequest:
    """What a client asks of a model.

    Attributes:
        sample: the question, its video as the client names it.
        settings: of the call.
        streamed: whether pieces are wanted.
        before: earlier turns (see `vreason.evaluation.chat.chat_text`).
        earlier_videos: those that these turns show, in order.
        more_videos: further ones of the last turn, behind the sample's.
        plain: whether the question is the turn as it is, without the prompt template.
    """

    sample: Sample
    settings: CallSettings
    streamed: bool = False
    before: Sequence[dict[str, Any]] = ()
    earlier_videos: Sequence[str] = ()
    more_videos: Sequence[str] = ()
    plain: bool = False


@dataclass(frozen=True)
class ServedModel:
    """A version that is served.

    Attributes:
        name: by which clients ask for it.
        version: of the registry.
        bundle: its description.
        worker: owns the model.
        access: which videos may be named.
        limits: of the server.
        readers: threads that fetch and decode videos.
    """

    name: str
    version: Version
    bundle: Bundle
    worker: ModelWorker
    access: VideoAccess
    limits: ServingLimits
    readers: Executor

    @asynccontextmanager
    async def job(self, asked: ModelRequest) -> AsyncIterator[Job]:
        """The job, handed over to the worker; a block that is left early withdraws it.

        Raises:
            RequestError: there is no room, the video cannot be used, or the model does not answer.
        """
        self.worker.reserve()
        deadline = time.monotonic() + self.limits.request_seconds
        try:
            job = await self._prepared(asked, deadline)
        except BaseException:
            self.worker.release()
            raise
        self.worker.submit(job)
        try:
            yield job
        finally:
            job.withdraw(CANCELLED)  # nothing happens to one that has ended

    async def _prepared(self, asked: ModelRequest, deadline: float) -> Job:
        loop, loaded = asyncio.get_running_loop(), self.worker.loaded
        assert loaded is not None, "a place is reserved only where the model is loaded"
        reading = loop.run_in_executor(self.readers, self._question, asked, deadline)
        try:
            question = await asyncio.wait_for(reading, max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise RequestError(504, "its video was not read in time; send a shorter or smaller clip, or ask again", retry_after=5) from None
        except VReasonError as error:
            raise request_error(error) from error
        name = secrets.token_hex(8)
        config = asked.settings.config
        request = request_of(question, name, loaded, config, stop=asked.settings.stop, streamed=asked.streamed)
        return Job(question, config, request, deadline)

    def _question(self, asked: ModelRequest, deadline: float) -> Question:
        """Fetch and decode, in a thread; one that comes too late to be answered does nothing."""
        if time.monotonic() >= deadline:
            raise RequestError(504, "its turn did not come in time; ask again later", retry_after=5)
        video = self._video(asked.settings.config.video)
        names = [*asked.earlier_videos, *filter(None, [asked.sample.video]), *asked.more_videos]
        made = [question_of(replace(asked.sample, video=name), video, self.access, self.limits.clip) for name in names]
        return Question(
            sample=asked.sample,
            clips=tuple(clip for each in made for clip in each.clips),
            decode_ms=sum(each.decode_ms for each in made),
            before=asked.before,
            earlier_clips=len(asked.earlier_videos),
            plain=asked.plain,
        )

    def _video(self, video: VideoConfig) -> VideoConfig:
        return replace(video, timeout=min(video.timeout, self.limits.decode_seconds))

    def record(self, job: Job, finished: Finished) -> SampleRecord:
        """The record of an answer, as a run would have it."""
        assert self.worker.loaded is not None, "what has been answered was loaded"
        return answer_of(job.question, finished, self.worker.loaded, job.config)
