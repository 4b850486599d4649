"""Logging in with a browser, and out."""

from __future__ import annotations

import asyncio
import logging

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from vreason.errors import TrackingError
from vreason_tracking.audit import NewEntry
from vreason_tracking.server.gate import BrakedError
from vreason_tracking.server.identity import LOGIN, address_of, user_of
from vreason_tracking.server.pages.context import Context
from vreason_tracking.server.pages.forms import local_target, read_form
from vreason_tracking.server.pages.layout import render
from vreason_tracking.server.sessions import COOKIE, LASTS

_log = logging.getLogger(__name__)


def make_router(context: Context) -> APIRouter:
    """The routes; none where the server has no users."""
    router = APIRouter(include_in_schema=False)
    if context.team is None:
        return router
    gate = context.team.gate

    @router.get("/login")
    def form(request: Request, next: str = "/vreason/") -> HTMLResponse:
        return render(request, "login", target=local_target(next), name="", problem=None)

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        fields = await read_form(request)
        name, address, target = fields.get("name", ""), address_of(request.scope), local_target(fields.get("next", ""))
        try:
            cookie = await asyncio.to_thread(gate.open_session, name, fields.get("password", ""), address)
        except BrakedError:
            answer = render(request, "login", 429, target=target, name=name, problem="Too many failed logins from here. Wait a minute.")
            answer.headers["retry-after"] = "60"
            return answer
        except TrackingError as error:
            _log.error("nobody can log in: %s", error)
            return render(request, "login", 503, target=target, name=name, problem="Users cannot be looked up now. Try again.")
        if cookie is None:
            who = "".join(letter for letter in name if letter.isprintable()).strip() or "nobody"
            context.appender.append(NewEntry("login.failed", who, f"user:{who}", address), urgent=False)
            return render(request, "login", 401, target=target, name=name, problem="Wrong name or password.")
        context.appender.append(NewEntry("login.done", name, f"user:{name}", address), urgent=False)
        return _with_cookie(RedirectResponse(target, 303), request, cookie, LASTS)

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        await read_form(request)
        who = user_of(request.scope)
        context.appender.append(NewEntry("logout.done", who, f"user:{who}", address_of(request.scope)), urgent=False)
        return _with_cookie(RedirectResponse(LOGIN, 303), request, "", 0)

    return router


def _with_cookie(answer: Response, request: Request, value: str, seconds: int) -> Response:
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")
    return answer
