"""The web application: OpenAI's chat completions, MLflow's invocations, health, readiness, and metrics."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi_offline import FastAPIOffline
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vreason import __version__
from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.openapi import CHAT, INVOCATIONS, PROBLEMS
from vreason_tracking.serving.service import Service

OPEN_PATHS = ("/health", "/ping", "/ready")
"""Without a token: a supervisor has none."""
Lifespan = Callable[[FastAPI], Any]


def make_app(service: Service, lifespan: Lifespan | None = None) -> FastAPI:
    """The application.

    Args:
        service: what the routes work with.
        lifespan: around its life; None for one whose models are started elsewhere.
    """
    app = FastAPIOffline(
        title="vreason-track model serve", version=__version__, lifespan=lifespan or _nothing, responses=PROBLEMS, redoc_url=None
    )

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
