"""Logging in with a browser, and out."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from vreason_tracking.audit import NewEntry
from vreason_tracking.server.identity import LOGIN, address_of
from vreason_tracking.server.pages.context import Context
from vreason_tracking.server.pages.forms import local_target, read_form
from vreason_tracking.server.pages.rendering import render
from vreason_tracking.server.sessions import COOKIE, LASTS


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
        if gate.braked(address):
            answer = render(request, "login", 429, target=target, name=name, problem="Too many failed logins from here. Wait a minute.")
            answer.headers["retry-after"] = "60"
            return answer
        cookie = await asyncio.to_thread(gate.open_session, name, fields.get("password", ""), address)
        if cookie is None:
            who = name.strip() or "nobody"
            context.appender.append(NewEntry("login.failed", who, f"user:{who}", address), urgent=False)
            return render(request, "login", 401, target=target, name=name, problem="Wrong name or password.")
        context.appender.append(NewEntry("login.done", name, f"user:{name}", address), urgent=False)
        return _with_cookie(RedirectResponse(target, 303), request, cookie, LASTS)

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        await read_form(request)
        return _with_cookie(RedirectResponse(LOGIN, 303), request, "", 0)

    return router


def _with_cookie(answer: Response, request: Request, value: str, seconds: int) -> Response:
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")
    return answer
