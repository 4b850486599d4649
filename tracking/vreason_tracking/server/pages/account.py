"""Users and tokens: an admin's page, and everybody's own. What is changed is entered before it is done."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from vreason.errors import ConfigError, ConfigIssue, TrackingError
from vreason_tracking.server.pages.context import Context
from vreason_tracking.server.pages.forms import read_form
from vreason_tracking.server.pages.layout import render
from vreason_tracking.server.tokens import SCOPES
from vreason_tracking.server.users import ROLES

Fields = dict[str, str]
_FORM = Depends(read_form)
_DAYS = (7, 30, 90, 366)


def make_router(context: Context) -> APIRouter:
    """The routes; they read and write databases, and so run in threads."""
    router = APIRouter(include_in_schema=False)
    _add_users(router, context)
    _add_tokens(router, context)
    return router


def _add_users(router: APIRouter, context: Context) -> None:
    def page(request: Request, status: int = 200, problem: str | None = None) -> HTMLResponse:
        team, identity = context.require_admin(request)
        return render(
            request,
            "users",
            status,
            users=team.users.list(),
            tokens=team.tokens.list(),
            roles=ROLES,
            mine=identity.user.name,
            problem=problem,
        )

    @router.get("/users")
    def users(request: Request) -> HTMLResponse:
        return page(request)

    @router.post("/users")
    def add(request: Request, fields: Fields = _FORM) -> Response:
        team, identity = context.require_admin(request)
        context.require_password(identity)
        name, role = fields.get("name", "").strip(), fields.get("role", "")
        try:
            team.tokens.revoke_all(name, identity.user.name)  # of an earlier user of that name
            team.users.add(
                name, fields.get("password", ""), role, lambda: context.enter(request, "user.created", f"user:{name}", role=role)
            )
        except (ConfigError, TrackingError) as error:
            return page(request, 422, str(error))
        return RedirectResponse("/vreason/users", 303)

    @router.post("/users/{name}/role")
    def change_role(request: Request, name: str, fields: Fields = _FORM) -> Response:
        team, identity = context.require_admin(request)
        context.require_password(identity)
        role = fields.get("role", "")
        try:
            before = team.users.find(name).role
            team.users.set_role(name, role, lambda: context.enter(request, "user.changed", f"user:{name}", role=role, before=before))
        except (ConfigError, TrackingError) as error:
            return page(request, 422, str(error))
        return RedirectResponse("/vreason/users", 303)

    @router.post("/users/{name}/remove")
    def remove(request: Request, name: str, fields: Fields = _FORM) -> Response:
        team, identity = context.require_admin(request)
        context.require_password(identity)
        if fields.get("sure") != name:
            return page(request, 422, f"type {name} to remove them; nothing was changed")
        try:
            team.users.remove(name, lambda: context.enter(request, "user.deleted", f"user:{name}"))
            team.tokens.revoke_all(name, identity.user.name)
        except TrackingError as error:
            return page(request, 422, str(error))
        return RedirectResponse("/vreason/users", 303)


def _add_tokens(router: APIRouter, context: Context) -> None:
    def page(request: Request, status: int = 200, problem: str | None = None, made: str | None = None) -> HTMLResponse:
        team, identity = context.team_for(request)
        tokens = team.tokens.list(identity.user.name)
        return render(request, "account", status, tokens=tokens, scopes=SCOPES, days=_DAYS, problem=problem, made=made)

    @router.get("/account")
    def account(request: Request) -> HTMLResponse:
        return page(request)

    @router.post("/account/tokens")
    def create(request: Request, fields: Fields = _FORM) -> Response:
        team, identity = context.team_for(request)
        context.require_password(identity)
        user, name, scope = identity.user.name, fields.get("name", "").strip(), fields.get("scope", "")
        if not name:
            return page(request, 422, "name: say what the token is for")
        try:
            days = _days(fields.get("days", ""))
            made = team.tokens.create(
                user,
                name,
                scope,
                days,
                lambda public: context.enter(
                    request, "token.created", f"user:{user}", token=public, name=name[:256], scope=scope, days=days
                ),
            )
        except (ConfigError, TrackingError) as error:
            return page(request, 422, str(error))
        return page(request, made=made)

    @router.post("/account/tokens/{token_id}/revoke")
    def revoke(request: Request, token_id: str, fields: Fields = _FORM) -> Response:
        team, identity = context.team_for(request)
        context.require_password(identity)
        try:
            token = team.tokens.get(token_id)
        except TrackingError as error:
            raise HTTPException(404, str(error)) from None
        if token.user != identity.user.name and identity.user.role != "admin":
            raise HTTPException(404, f"you have no token {token_id!r}")
        if not token.revoked:
            context.enter(request, "token.revoked", f"user:{token.user}", token=token_id)
            team.tokens.revoke(token_id, identity.user.name)
        return RedirectResponse("/vreason/users" if fields.get("from") == "users" else "/vreason/account", 303)


def _days(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError([ConfigIssue("days", f"{text[:20]!r} is no number")]) from None
