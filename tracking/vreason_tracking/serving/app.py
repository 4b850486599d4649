"""The web application: OpenAI's chat completions, MLflow's invocations, health, readiness, and metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vreason import __version__
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
from vreason_tracking.serving.openapi import CHAT, INVOCATIONS, PROBLEMS
from vreason_tracking.serving.served_model import Asked, ServedModel
from vreason_tracking.serving.tokens import Tokens

_T = TypeVar("_T")
OPEN_PATHS = ("/health", "/ping", "/ready")
"""Without a token: a supervisor has none."""
Lifespan = Callable[[FastAPI], Any]


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

    async def _whole(self, request: ChatRequest, model: ServedModel, asked: Asked) -> dict[str, Any]:
        async with model.job(asked) as job:
            finished = await job.finished()
            return whole_answer(request.model, asked, job, finished, model.record(job, finished))

    async def _streamed(self, request: ChatRequest, model: ServedModel, asked: Asked, *, usage: bool) -> Response:
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

        async def told() -> AsyncIterator[bytes]:
            try:
                async with aclosing(events(request.model, asked, job, model.record, usage=usage)) as stream:
                    async for event in stream:
                        yield event
            finally:
                over.set()
                await asyncio.shield(holding)

        return StreamingResponse(told(), media_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

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
        answers = asyncio.gather(*(self._entry(model, record, place, settings) for place, record in enumerate(records)))
        return JSONResponse({"predictions": await _while_there(request, answers)})

    async def _entry(self, model: ServedModel, record: object, place: int, settings: Any) -> dict[str, Any]:
        """One record's entry; only what is wrong with the server itself is the whole call's error."""
        name = str(record.get("id") or "") if isinstance(record, dict) else ""
        try:
            sample = question_input(record, f"records.{place}")
            name = sample.sample_id
            async with model.job(Asked(sample, settings)) as job:
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


def make_app(service: Service, lifespan: Lifespan | None = None) -> FastAPI:
    """The application.

    Args:
        service: what the routes work with.
        lifespan: around its life; None for one whose models are started elsewhere.
    """
    app = FastAPI(title="vreason-track model serve", version=__version__, lifespan=lifespan or _nothing, responses=PROBLEMS, redoc_url=None)

    @app.post("/v1/chat/completions", openapi_extra=CHAT, summary="Answer a question about a video", tags=["openai"])
    async def chat(request: Request) -> Response:
        return await service.chat(request)

    @app.get("/v1/models", summary="The models that are served", tags=["openai"])
    async def models() -> dict[str, Any]:
        return service.models_list()

    @app.post("/invocations", openapi_extra=INVOCATIONS, summary="Answer records, as MLflow's server does", tags=["mlflow"])
    async def invocations(request: Request) -> Response:
        return await service.invocations(request)

    @app.get("/health", summary="Whether the models' workers are alive", tags=["server"])
    async def health() -> Response:
        return service.health()

    @app.get("/ping", summary="The same, as MLflow's server calls it", tags=["mlflow"])
    async def ping() -> Response:
        return service.health()

    @app.get("/version", summary="The version of MLflow, as its server tells it", tags=["mlflow"])
    async def version() -> Response:
        import mlflow

        return Response(mlflow.__version__, media_type="text/plain")

    @app.get("/ready", summary="Whether requests are taken", tags=["server"])
    async def ready() -> Response:
        return service.readiness()

    @app.get("/metrics", summary="Figures for Prometheus", tags=["server"])
    async def metrics() -> Response:
        return Response(service.metrics.text(service.queues), media_type="text/plain; version=0.0.4")

    _add_errors(app)
    paths = frozenset(str(getattr(route, "path", "")) for route in app.routes)
    app.add_middleware(Guard, service=service, paths=paths)
    return app


class Guard:
    """Who may ask, and what became of each request; around the whole application.

    Args:
        app: the application.
        service: has the tokens and the counts.
        paths: that are there; a count for any other path would be a client's to choose.
    """

    def __init__(self, app: ASGIApp, service: Service, paths: frozenset[str]) -> None:
        self._app, self._service, self._paths = app, service, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, path, status = time.monotonic(), str(scope["path"]), [500]

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = int(message["status"])
            await send(message)

        try:
            header = Headers(scope=scope).get("authorization")
            if path in OPEN_PATHS or self._service.tokens.admits(header):
                await self._app(scope, receive, counted)
            else:
                refusal = RequestError(401, "no token, or a wrong one; send Authorization: Bearer TOKEN")
                await _answer(path, refusal)(scope, receive, counted)
        finally:
            known = path if path in self._paths else "other"
            self._service.metrics.requests.labels(known, str(status[0])).inc()
            self._service.metrics.seconds.labels(known).observe(time.monotonic() - began)


def _add_errors(app: FastAPI) -> None:
    """One form of error for each interface."""

    @app.exception_handler(RequestError)
    async def told(request: Request, error: RequestError) -> Response:
        return _answer(request.url.path, error)

    @app.exception_handler(HTTPException)
    async def http_told(request: Request, error: HTTPException) -> Response:
        made = _answer(request.url.path, RequestError(error.status_code, str(error.detail)))
        made.headers.update(error.headers or {})
        return made


def _answer(path: str, error: RequestError) -> Response:
    body = error.mlflow() if path == "/invocations" else error.openai()
    return JSONResponse(body, error.status, error.headers)


@asynccontextmanager
async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield
