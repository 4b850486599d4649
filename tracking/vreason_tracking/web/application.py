"""An application of pages: its errors in the form that was asked for, its style and script, and what browsers are told."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from vreason import __version__
from vreason.errors import ConfigError, TrackingError
from vreason_tracking.audit import HandoverError, ProofError
from vreason_tracking.presentation import DARK, LOOK
from vreason_tracking.web.headers import HeadersMiddleware
from vreason_tracking.web.rendering import Renderer

_log = logging.getLogger(__name__)

PREFIX = "/vreason"
"""Below which the pages stand; templates and links have it written out."""

FilterText = Annotated[str, Query(max_length=1024)]
_TITLES = {403: "Not allowed", 404: "Not there", 422: "Cannot be so", 503: "Not now"}


class NotFoundError(TrackingError):
    """There is no such thing."""


def make_application(title: str, render: Renderer) -> FastAPI:
    """An application without routes but for its style and script; it is to be mounted at `PREFIX`.

    Args:
        title: of its API.
        render: of the page that tells of a problem.
    """
    app = FastAPI(title=title, version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(HeadersMiddleware)
    _add_errors(app, render)

    @app.get("/static/look.css", include_in_schema=False)
    def look() -> Response:
        return Response(LOOK + DARK, media_type="text/css", headers={"cache-control": "max-age=300"})

    app.mount("/static/web", StaticFiles(packages=[("vreason_tracking.web", "static")]))
    return app


def _add_errors(app: FastAPI, render: Renderer) -> None:
    """JSON below /api/, else a page."""

    def told(request: Request, status: int, why: str, headers: dict[str, str] | None = None) -> Response:
        if request.url.path.startswith(f"{PREFIX}/api/"):
            return JSONResponse({"error": why}, status, headers)
        page = render(request, "problem", status, title=_TITLES.get(status, "Refused"), why=why)
        page.headers.update(headers or {})
        return page

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return told(request, error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return told(request, 422, f"{first['loc'][-1]}: {first['msg']}")

    @app.exception_handler(ConfigError)
    async def wrong(request: Request, error: ConfigError) -> Response:
        return told(request, 422, str(error))

    @app.exception_handler(NotFoundError)
    async def missing(request: Request, error: NotFoundError) -> Response:
        return told(request, 404, str(error))

    @app.exception_handler(ProofError)
    async def damaged(request: Request, error: ProofError) -> Response:
        return told(request, 500, f"the audit trail is damaged: {error}")

    @app.exception_handler(HandoverError)
    async def unproved(request: Request, error: HandoverError) -> Response:
        return told(request, 409, str(error))

    @app.exception_handler(TrackingError)
    async def unavailable(request: Request, error: TrackingError) -> Response:
        _log.error("%s: %s", request.url.path, error)
        return told(request, 503, str(error), {"retry-after": "1"})
