"""Who makes a request, and whether they may: a password, a personal token or a browser's session, and a role.

It stands before MLflow's own check of users, and tells it who it is in a header that nobody else can make: with a secret of this process.
A browser that has not logged in is led to the page where it can. What a session stands for, and changes something, must come from a page of
this server: another one's could make a browser send it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from vreason.errors import TrackingError
from vreason_tracking.audit import NewEntry
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.gate import BrakedError, Gate, Identity
from vreason_tracking.server.routes import SAFE_METHODS, is_about_users, is_audited, is_password_change
from vreason_tracking.server.same_origin import is_same_origin
from vreason_tracking.server.sessions import cookie_of

_log = logging.getLogger(__name__)

LOGIN = "/vreason/login"
"""The page where a browser logs in."""

_HEADER = b"x-vreason-user"
_SECRET = secrets.token_hex(32)
_OPEN = ("/health", LOGIN)
_OPEN_BELOW = "/vreason/static/"
_CHALLENGE = [(b"www-authenticate", b'Basic realm="vreason-track", charset="UTF-8"')]


class IdentityMiddleware:
    """ASGI middleware: finds out who it is, refuses what they may not, and says to what is behind it who it is.

    Args:
        app: what is behind it.
        gate: of the server.
        appender: of the audit trail: failed logins and refusals are entered.
    """

    def __init__(self, app: ASGIApp, gate: Gate, appender: Appender) -> None:
        self._app, self._gate, self._appender = app, gate, appender

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["path"] in _OPEN or scope["path"].startswith(_OPEN_BELOW):
            await self._app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.replace(b"_", b"-") != _HEADER]
        told, address = dict(headers), address_of(scope)
        try:
            identity = await asyncio.to_thread(self._identify, told, address)
        except BrakedError as error:
            await _answer(send, 429, str(error), [(b"retry-after", b"60")])
            return
        except TrackingError as error:
            _log.error("nobody can be let in: %s", error)
            await _answer(send, 503, "users cannot be looked up now; try again", [(b"retry-after", b"1")])
            return
        if identity is None:
            await self._turn_away(scope, send, told, address)
            return
        refusal = _refusal(scope, told, identity)
        if refusal:
            details = {"method": scope["method"], "path": scope["path"][:500]}
            why, advice = refusal
            entry = NewEntry("request.refused", identity.user.name, f"path:{scope['path']}", address, why, details=details)
            self._appender.append(entry, urgent=False)
            await _answer(send, 403, f"{why}; {advice}", [])
            return
        mine = (_HEADER, f"{_SECRET}:{quote(identity.user.name)}".encode())
        known = {"vreason.user": identity.user.name, "vreason.identity": identity}
        await self._app({**scope, "headers": [*headers, mine], **known}, receive, send)

    def _identify(self, headers: Mapping[bytes, bytes], address: str) -> Identity | None:
        """By what the Authorization header says; where there is none, by the session."""
        if b"authorization" in headers:
            told = _credentials(headers[b"authorization"])
            return self._gate.identify(*told, address) if told else None
        cookie = cookie_of(headers.get(b"cookie", b""))
        return self._gate.identify_session(cookie) if cookie else None

    async def _turn_away(self, scope: Scope, send: Send, headers: Mapping[bytes, bytes], address: str) -> None:
        told = _credentials(headers.get(b"authorization", b""))
        if told:
            name = told[0].strip() or "token"
            self._appender.append(NewEntry("login.failed", name, f"user:{name}", address), urgent=False)
        elif scope["method"] == "GET" and b"text/html" in headers.get(b"accept", b""):
            query = scope.get("query_string", b"").decode("latin-1")
            wanted = quote(scope["path"]) + (f"?{query}" if query else "")
            await _redirect(send, f"{LOGIN}?next={quote(wanted, safe='')}")
            return
        why = "wrong name, password or token" if told else "who are you? Give name and password, or a personal token"
        await _answer(send, 401, why, _CHALLENGE)


def _refusal(scope: Scope, headers: Mapping[bytes, bytes], identity: Identity) -> tuple[str, str] | None:
    """Why somebody who is known may not make this request, and what to do; None where they may."""
    if identity.by_session and scope["method"] not in SAFE_METHODS and not is_same_origin(headers):
        return "the browser says that a page of another site made this request", "use this server's own pages"
    if scope["path"].startswith("/vreason/"):
        return None  # the pages look for themselves
    if is_about_users(scope["path"]):
        return _about_users(scope, identity)
    if is_audited(scope["method"], scope["path"]) and not identity.may_write:
        why = "this token may only read" if identity.read_only else f"{identity.user.name} is a viewer, who may only read"
        return why, "an admin gives roles with `vreason-track user role`"
    return None


def _about_users(scope: Scope, identity: Identity) -> tuple[str, str] | None:
    """MLflow's own routes for users know no token, no last admin and no roles of ours: only a password is changed by them."""
    if is_password_change(scope["path"]):
        return ("a token cannot change a password", "log in with the password") if identity.by_token else None
    if scope["method"] not in SAFE_METHODS:
        return "users and roles are not changed by MLflow's routes", "use the page /vreason/users, or `vreason-track user`"
    if identity.user.role != "admin":
        return f"{identity.user.name} is {identity.user.role}, and only an admin sees users", "ask one"
    return None


def user_of(scope: Scope) -> str:
    """Who makes a request that has come through `IdentityMiddleware`."""
    return str(scope["vreason.user"]) if "vreason.user" in scope else "anonymous"


def address_of(scope: Scope) -> str:
    """Where a request comes from; "" where nobody knows."""
    return str((scope.get("client") or ("",))[0])


def authorize() -> Any:
    """MLflow's hook (`authorization_function`): the user whom `IdentityMiddleware` has found, else a refusal."""
    from flask import make_response, request
    from werkzeug.datastructures import Authorization

    secret, _, user = request.headers.get(_HEADER.decode(), "").partition(":")
    if user and hmac.compare_digest(secret.encode(), _SECRET.encode()):
        return Authorization("basic", {"username": unquote(user), "password": ""})
    return make_response("this request came past the check of users", 401)


def _credentials(header: bytes) -> tuple[str, str] | None:
    """Name and password of `Basic`, or no name and the token of `Bearer`; None where there is neither."""
    scheme, _, rest = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return "", rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


async def _redirect(send: Send, target: str) -> None:
    headers = [(b"location", target.encode()), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, status: int, why: str, headers: list[tuple[bytes, bytes]]) -> None:
    code = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "REQUEST_LIMIT_EXCEEDED", 503: "TEMPORARILY_UNAVAILABLE"}[status]
    body = json.dumps({"error_code": code, "message": why}).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
