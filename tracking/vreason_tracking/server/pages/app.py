"""The application below /vreason/: routes, errors in the form that was asked for, and what browsers are told."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from vreason import __version__
from vreason.errors import ConfigError, TrackingError
from vreason_tracking.audit import HandoverError, ProofError
from vreason_tracking.presentation import DARK, LOOK
from vreason_tracking.server.pages import account, api, html, login
from vreason_tracking.server.pages.context import Context
from vreason_tracking.server.pages.headers import POLICY, HeadersMiddleware
from vreason_tracking.server.pages.rendering import render
from vreason_tracking.server.pages.runs import NotFoundError

_log = logging.getLogger(__name__)

PREFIX = "/vreason"
_TITLES = {403: "Not allowed", 404: "Not there", 422: "Cannot be so", 503: "Not now"}
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def make_pages(context: Context) -> FastAPI:
    """The application; it is to be mounted at `PREFIX`.

    Args:
        context: what its routes work with.
    """
    app = FastAPI(title="vreason-track server", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(HeadersMiddleware)
    _add_errors(app)
    _add_documentation(app)
    app.include_router(html.make_router(context))
    app.include_router(login.make_router(context))
    app.include_router(account.make_router(context))
    app.include_router(api.make_router(context))

    @app.get("/static/look.css", include_in_schema=False)
    def look() -> Response:
        return Response(LOOK + DARK, media_type="text/css", headers={"cache-control": "max-age=300"})

    app.mount("/static", StaticFiles(packages=[("vreason_tracking.server.pages", "static")]))
    return app


def _add_documentation(app: FastAPI) -> None:
    """The API's page, with Swagger UI's files from this server; the one script on it is allowed by its digest."""
    import fastapi_offline

    folder = Path(str(files(fastapi_offline))) / "static"
    app.mount("/static/swagger", StaticFiles(directory=folder))
    page = get_swagger_ui_html(
        openapi_url=f"{PREFIX}/api/openapi.json",
        title="vreason-track server: API",
        swagger_js_url=f"{PREFIX}/static/swagger/swagger-ui-bundle.js",
        swagger_css_url=f"{PREFIX}/static/swagger/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    text = bytes(page.body).replace(b"<html>", b'<html lang="en">')
    digests = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in _INLINE.findall(text))
    policy = POLICY.replace("script-src 'self'", f"script-src 'self' {digests}").replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )

    @app.get("/api/docs", include_in_schema=False)
    def documentation() -> HTMLResponse:
        return HTMLResponse(text, headers={"content-security-policy": policy})


def _add_errors(app: FastAPI) -> None:
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
