"""Around MLflow's routes: each request that may change something is entered before it is let through, and what came of it afterwards.

A request whose intent cannot be entered is refused with 503, which MLflow's clients try again. An intent without an outcome is one of a
server that ended meanwhile. Of a body the trail has its SHA-256 and its length, never what is in it; of one that
may hold a password, not even those.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vreason_tracking.audit import DONE, INTENT, NewEntry
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.requests import AmbiguousRequestError, parsed, subject_of
from vreason_tracking.server.routes import action_of, carries_secret, is_audited

_log = logging.getLogger(__name__)

LARGEST_JSON = 16 * 2**20
"""Bytes of a JSON body, which is read whole; MLflow's own clients send a tenth of it."""

_LONG = 64 * 2**10  # bytes of a body that is not parsed between other requests, but beside them

ANONYMOUS = "anonymous"

Identify = Callable[[Scope], str]


class AuditMiddleware:
    """ASGI middleware.

    Args:
        app: what is behind it.
        appender: of the audit trail; closed when the server ends.
        identify: who makes a request.
    """

    def __init__(self, app: ASGIApp, appender: Appender, identify: Identify = lambda _: ANONYMOUS) -> None:
        self._app, self._appender, self._identify = app, appender, identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the server's own life."""
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                await asyncio.to_thread(self._appender.close)
        elif scope["type"] == "http" and is_audited(scope["method"], scope["path"]):
            await self._audited(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _audited(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(scope, receive, self._identify(scope))
        try:
            await request.read()
            intent = request.entry(INTENT)
        except AmbiguousRequestError as error:
            self._appender.append(request.refusal(str(error)), urgent=False)
            await _refuse(send, 400, "INVALID_PARAMETER_VALUE", str(error))
            return
        except _TooLargeError:
            what = f"a JSON body of more than {LARGEST_JSON} bytes; send it in parts"
            self._appender.append(request.refusal(what), urgent=False)
            await _refuse(send, 413, "INVALID_PARAMETER_VALUE", what)
            return
        try:
            await asyncio.wrap_future(self._appender.append(intent))
        except Exception as error:
            what = f"the request was not carried out, for it cannot be entered into the audit trail: {error}"
            await _refuse(send, 503, "TEMPORARILY_UNAVAILABLE", what)
            return
        await self._let_through(scope, send, request)

    async def _let_through(self, scope: Scope, send: Send, request: _Request) -> None:
        status: int | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        outcome = "ended without an answer"
        try:
            await self._app(scope, request.receive, watched)
            outcome = DONE if status is not None and status < 400 else f"refused {status}" if status is not None else outcome
        except Exception as error:
            outcome = f"failed: {type(error).__name__}"
            raise
        finally:
            self._appender.append(request.entry(outcome, status), urgent=False)


class _TooLargeError(Exception):
    """A body that is read whole is too large for that."""


class _Request:
    """A request that is under way: its body, read whole where it is JSON, hashed as it passes where it is not."""

    def __init__(self, scope: Scope, receive: Receive, actor: str) -> None:
        self._scope, self._receive, self._actor = scope, receive, actor
        self._id, self._began = secrets.token_hex(8), time.monotonic()
        self._digest, self._size = hashlib.sha256(), 0
        self._messages: list[Message] = []
        self._whole, self._body = False, b""
        self._subject = f"path:{scope['path']}"

    async def read(self) -> None:
        """Read the body where it is short enough to be JSON, and what the request is about.

        Raises:
            AmbiguousRequestError: it can be read in two ways.
            _TooLargeError: it is JSON, and longer than may be.
        """
        path = self._scope["path"]
        if "/mlflow-artifacts/" not in path and not path.startswith("/v1/"):
            chunks, size = [], 0
            while True:
                message = await self._receive()
                if message["type"] != "http.request":
                    self._messages.append(message)
                    break
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > LARGEST_JSON:
                    raise _TooLargeError
                if not message.get("more_body", False):
                    break
            self._body, self._whole = b"".join(chunks), True
            self._digest.update(self._body)
            self._size = size
            self._messages.insert(0, {"type": "http.request", "body": self._body, "more_body": False})
        query = self._scope.get("query_string", b"").decode("latin-1")
        read = await asyncio.to_thread(parsed, self._body) if len(self._body) > _LONG else parsed(self._body)
        self._subject = subject_of(path, query, read)

    async def receive(self) -> Message:
        """What the application is told: the body that was read, else what comes, hashed."""
        if self._messages:
            return self._messages.pop(0)
        message = await self._receive()
        if message["type"] == "http.request" and not self._whole:
            body = message.get("body", b"")
            self._digest.update(body)
            self._size += len(body)
        return message

    def entry(self, outcome: str, status: int | None = None) -> NewEntry:
        """What is entered of it."""
        method, path = self._scope["method"], self._scope["path"]
        details: dict[str, Any] = {"request": self._id, "method": method, "path": path[:500]}
        if carries_secret(path):
            details["body"] = "not digested: it may hold a password or a key"
        elif self._whole or outcome != INTENT:
            details |= {"body_sha256": self._digest.hexdigest(), "body_bytes": self._size}
        if outcome != INTENT:
            details |= {"status": status, "milliseconds": round((time.monotonic() - self._began) * 1000)}
        return NewEntry(action_of(method, path), self._actor, self._subject, _address(self._scope), outcome, details=details)

    def refusal(self, why: str) -> NewEntry:
        """What is entered of a request that was not let through."""
        details = {"method": self._scope["method"], "path": self._scope["path"][:500]}
        return NewEntry("request.refused", self._actor, self._subject, _address(self._scope), why, details=details)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


async def _refuse(send: Send, status: int, code: str, why: str) -> None:
    body = json.dumps({"error_code": code, "message": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"retry-after", b"1")] if status == 503 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
