"""The application below /vreason/: all routes, and the page of its API."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from vreason_tracking.cards import make_card_api, make_card_pages, make_card_service
from vreason_tracking.server.pages import account, api, html, login
from vreason_tracking.server.pages.context import Context
from vreason_tracking.server.pages.layout import render
from vreason_tracking.web import POLICY, PREFIX, make_application

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def make_pages(context: Context) -> FastAPI:
    """The application; it is to be mounted at `PREFIX`.

    Args:
        context: what its routes work with.
    """
    app = make_application("vreason-track server", render)
    _add_documentation(app)
    cards = make_card_service(context.store.catalog, context.log)
    app.include_router(make_card_pages(cards, render))
    app.include_router(html.make_router(context))
    app.include_router(login.make_router(context))
    app.include_router(account.make_router(context))
    app.include_router(make_card_api(cards))
    app.include_router(api.make_router(context))  # the last: it also says of what is not there that it is not
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
