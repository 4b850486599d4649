"""Who makes a request, and whether they may: a password or a personal token, a role, and a brake on guessing.

It stands before MLflow's own check of users, and tells it who it is in a header that nobody else can make: with a secret of this process.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from vreason.errors import TrackingError
from vreason_tracking.audit import NewEntry
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.routes import is_audited
from vreason_tracking.server.tokens import Tokens, is_token
from vreason_tracking.server.users import User, Users

_log = logging.getLogger(__name__)

KNOWN_FOR = 10.0
"""Seconds for which a password or token that was good is taken without asking again: a change of role takes as long."""

FAILURES, WINDOW = 10, 60.0
"""So many failed logins from an address in so many seconds, then it is told to wait."""

_HEADER = b"x-vreason-user"
_SECRET = secrets.token_hex(32)
_OPEN = ("/health", "/version")


@dataclass(frozen=True)
class Identity:
    """Who makes a request.

    Attributes:
        user: by whose password or token.
        read_only: whether the token may only read.
    """

    user: User
    read_only: bool = False

    @property
    def may_write(self) -> bool:
        """Whether they may change what is recorded by this request."""
        return self.user.may_write and not self.read_only


class Gate:
    """Finds out who somebody is.

    Args:
        users, tokens: that are known.
        clock: monotonic seconds.
    """

    def __init__(self, users: Users, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        self._users, self._tokens, self._clock = users, tokens, clock
        self._known: dict[bytes, tuple[float, Identity]] = {}
        self._failed: dict[str, deque[float]] = {}
        self._key, self._lock = secrets.token_bytes(32), Lock()

    def braked(self, address: str) -> bool:
        """Whether an address has failed so often that it is to wait."""
        with self._lock:
            failed = self._failed.get(address)
            while failed and failed[0] < self._clock() - WINDOW:
                failed.popleft()
            if failed is not None and not failed:
                del self._failed[address]
            return bool(failed) and len(failed or ()) >= FAILURES

    def identify(self, name: str, password: str, address: str) -> Identity | None:
        """Who somebody is by name and password, or by a token in the password's place; None where it is not right.

        Raises:
            TrackingError: users or tokens cannot be read.
        """
        key = hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
        with self._lock:
            until, identity = self._known.get(key, (0.0, None))
        if identity is not None and self._clock() < until:
            return identity
        found = self._by_token(name, password) if is_token(password) else self._by_password(name, password)
        with self._lock:
            if found is not None:
                if len(self._known) > 10_000:
                    self._known.clear()
                self._known[key] = (self._clock() + KNOWN_FOR, found)
            else:
                self._failed.setdefault(address, deque()).append(self._clock())
        return found

    def _by_password(self, name: str, password: str) -> Identity | None:
        user = self._users.check(name, password)
        return None if user is None else Identity(user)

    def _by_token(self, name: str, token: str) -> Identity | None:
        found = self._tokens.find(token)
        if found is None or name not in ("", "token", found.user):
            return None
        known = {user.name: user for user in self._users.list()}
        return Identity(known[found.user], found.scope == "read") if found.user in known else None


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
        if scope["type"] != "http" or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name != _HEADER]
        address = str((scope.get("client") or ("",))[0])
        if self._gate.braked(address):
            await _answer(send, 429, "too many failed logins from this address; wait a minute", [(b"retry-after", b"60")])
            return
        told = _credentials(dict(headers).get(b"authorization", b""))
        try:
            identity = await asyncio.to_thread(self._gate.identify, *told, address) if told else None
        except TrackingError as error:
            _log.error("nobody can be let in: %s", error)
            await _answer(send, 503, "users cannot be looked up now; try again", [(b"retry-after", b"1")])
            return
        if identity is None:
            if told:
                name = told[0].strip() or "token"
                self._appender.append(NewEntry("login.failed", name, f"user:{name}", address), urgent=False)
            why = "wrong name, password or token" if told else "who are you? Give name and password, or a personal token"
            await _answer(send, 401, why, [(b"www-authenticate", b'Basic realm="vreason-track", charset="UTF-8"')])
            return
        if is_audited(scope["method"], scope["path"]) and not identity.may_write:
            why = "this token may only read" if identity.read_only else f"{identity.user.name} is a viewer, who may only read"
            details = {"method": scope["method"], "path": scope["path"][:500]}
            entry = NewEntry("request.refused", identity.user.name, f"path:{scope['path']}", address, why, details=details)
            self._appender.append(entry, urgent=False)
            await _answer(send, 403, f"{why}; an admin gives roles with `vreason-track user role`", [])
            return
        mine = (_HEADER, f"{_SECRET}:{quote(identity.user.name)}".encode())
        await self._app({**scope, "headers": [*headers, mine], "vreason.user": identity.user.name}, receive, send)


def user_of(scope: Scope) -> str:
    """Who makes a request that has come through `IdentityMiddleware`."""
    return str(scope["vreason.user"])


def authorize() -> Any:
    """MLflow's hook (`authorization_function`): the user whom `IdentityMiddleware` has found, else a refusal."""
    from flask import make_response, request
    from werkzeug.datastructures import Authorization

    secret, _, user = request.headers.get(_HEADER.decode(), "").partition(":")
    if user and hmac.compare_digest(secret, _SECRET):
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


async def _answer(send: Send, status: int, why: str, headers: list[tuple[bytes, bytes]]) -> None:
    code = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "REQUEST_LIMIT_EXCEEDED", 503: "TEMPORARILY_UNAVAILABLE"}[status]
    body = json.dumps({"error_code": code, "message": why}).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
