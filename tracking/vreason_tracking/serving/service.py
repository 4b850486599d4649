"""What the routes do: from a request to the job that answers it, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from vreason.errors import ConfigError, VReasonError
from vreason_tracking.bundles import Answered, as_data, call_settings, error_data, question_input
from vreason_tracking.serving.bodies import read_body, until_gone
from vreason_tracking.serving.chat_answer import events, whole_answer
from vreason_tracking.serving.chat_request import ChatRequest, asked_of, parse_chat
from vreason_tracking.serving.failures import RequestError, request_error
from vreason_tracking.serving.invocations import records_of
from vreason_tracking.serving.jobs import Job
from vreason_tracking.serving.limits import ServingLimits
from vreason_tracking.serving.metrics import ServingMetrics
from vreason_tracking.serving.models import ServedModels
from vreason_tracking.serving.served_model import ModelRequest, ServedModel
from vreason_tracking.serving.tokens import Tokens

_T = TypeVar("_T")


class Service:
    """What the routes work with.

    Args:
        models: that are served.
        limits: of the server.
        tokens: who may ask.
        metrics: what is counted.

    Attributes:
        draining: whether the server is shutting down.
    """

    def __init__(self, models: ServedModels, limits: ServingLimits, tokens: Tokens, metrics: ServingMetrics) -> None:
        self.models, self.limits, self.tokens, self.metrics = models, limits, tokens, metrics
        self.draining = False

    async def chat(self, request: Request) -> Response:
        """/v1/chat/completions."""
        asked = parse_chat(await read_body(request, self.limits))
        model = self.models.find(asked.model)
        question = asked_of(asked, model.bundle, self.limits.videos)
        if not asked.stream:
            return JSONResponse(await _while_there(request, self._whole(asked, model, question)))
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        return await self._streamed(asked, model, question, usage=usage)

    async def _whole(self, request: ChatRequest, model: ServedModel, asked: ModelRequest) -> dict[str, Any]:
        async with model.job(asked) as job:
            finished = await job.finished()
            return whole_answer(request.model, asked, job, finished, model.record(job, finished))

    async def _streamed(self, request: ChatRequest, model: ServedModel, asked: ModelRequest, *, usage: bool) -> Response:
        """The stream, once the job has begun: what is wrong before that still has a status of its own."""
        ready: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        over = asyncio.Event()

        async def hold() -> None:
            """Keep the job's block open for as long as its events are read, wherever they are."""
            try:
                async with model.job(asked) as job:
                    ready.set_result(job)
                    await over.wait()
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)

        holding = asyncio.create_task(hold())
        job = await ready

        async def release() -> None:
            over.set()
            await asyncio.shield(holding)

        return HeldStream(events(request.model, asked, job, model.record, usage=usage), release)

    async def invocations(self, request: Request) -> Response:
        """/invocations."""
        records, params = records_of(await read_body(request, self.limits))
        if len(records) > self.limits.records:
            raise RequestError(400, f"{len(records)} records, and {self.limits.records} is the most of one call; send several calls")
        model = self.models.find(request.query_params.get("model"))
        try:
            settings = call_settings(model.bundle, params)
        except ConfigError as error:
            raise request_error(error) from None
        entries = [self._entry(model, record, place, settings) for place, record in enumerate(records)]
        return JSONResponse({"predictions": await _while_there(request, _together(entries))})

    async def _entry(self, model: ServedModel, record: object, place: int, settings: Any) -> dict[str, Any]:
        """One record's entry; only what is wrong with the server itself is the whole call's error."""
        name = str(record.get("id") or "") if isinstance(record, dict) else ""
        try:
            sample = question_input(record, f"records.{place}")
            name = sample.sample_id
            async with model.job(ModelRequest(sample, settings)) as job:
                finished = await job.finished()
                answered = Answered(model.record(job, finished), finished.steps, settings.departures)
                return as_data(answered, settings.trace, model.bundle.scoring)
        except VReasonError as error:
            return error_data(name, request_error(error).message)
        except RequestError as error:
            if error.status in (429, 503):
                raise
            return error_data(name, error.message)

    def models_list(self) -> dict[str, Any]:
        """/v1/models."""
        rows = []
        for name, model in self.models.by_name.items():
            made = {"id": name, "object": "model", "created": model.version.created_ms // 1000, "owned_by": "vreason-track"}
            own = {
                "version": model.version.label,
                "run": model.version.run_id,
                "base": model.bundle.model.id,
                "variant": model.bundle.origin.variant,
            }
            rows.append({**made, "vreason": own})
        return {"object": "list", "data": rows}

    def queues(self) -> dict[str, tuple[int, bool]]:
        """Of each model, requests in flight, and whether it lives."""
        return {name: (model.worker.in_flight, model.worker.alive) for name, model in self.models.by_name.items()}

    def health(self) -> Response:
        """Whether every worker is alive."""
        failed = self.models.failed
        status = "failed" if failed else "ok"
        return JSONResponse({"status": status, "failed": failed}, 503 if failed else 200)

    def readiness(self) -> Response:
        """Whether requests are taken."""
        ready = self.models.ready and not self.draining
        return JSONResponse({"ready": ready}, 200 if ready else 503)


class HeldStream(StreamingResponse):
    """Server-sent events, and what is to be done when they are over, whether anybody has read one of them or not.

    Args:
        content: the events.
        release: awaited at the end, also where the client had gone before the first.
    """

    def __init__(self, content: AsyncGenerator[bytes], release: Callable[[], Awaitable[None]]) -> None:
        super().__init__(content, media_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._content, self._release = content, release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._content.aclose()
            await self._release()


async def _together(entries: Sequence[Coroutine[Any, Any, _T]]) -> list[_T]:
    """All of them at once; when one fails the others are not wanted any more."""
    tasks = [asyncio.ensure_future(entry) for entry in entries]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _while_there(request: Request, answer: Awaitable[_T]) -> _T:
    """The answer; given up as soon as the client has gone."""
    answering = asyncio.ensure_future(answer)
    leaving = asyncio.ensure_future(until_gone(request))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        raise RequestError(499, "the client has gone")
    finally:
        for task in (answering, leaving):
            task.cancel()
        await asyncio.gather(answering, leaving, return_exceptions=True)
