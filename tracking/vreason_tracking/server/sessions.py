"""A browser's session: a signed cookie that says who logged in and when, and ends with the password that it was opened with.

    cookie = base64url(JSON {user, opened, password}) "." base64url(HMAC-SHA256)

The server keeps nothing of it, so that any of its processes reads what another has made. `password` is a digest of the stored hash: a
changed password, or a removed user, ends all sessions.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "vreason_session"

LASTS = 12 * 3600
"""Seconds after which somebody has to log in again."""

_DOMAIN = b"vreason-track session v1\0"
_LONGEST = 2048


@dataclass(frozen=True)
class Session:
    """What a cookie says, once its signature has been checked.

    Attributes:
        user: who logged in.
        password: digest of the hash of the password that they had.
    """

    user: str
    password: str


class Sessions:
    """Makes and reads cookies.

    Args:
        secret: shared by the processes of a server; with another one all sessions have ended.
        clock: Unix time, seconds.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key, self._clock = hmac.digest(secret, _DOMAIN, hashlib.sha256), clock

    def make(self, user: str, password: str) -> str:
        """The cookie's value for somebody who has just logged in; arguments as in `Session`."""
        body = _encoded(json.dumps({"user": user, "opened": int(self._clock()), "password": password}).encode())
        return f"{body}.{self._signature(body)}"

    def read(self, value: str) -> Session | None:
        """What a cookie's value says; None for one that this server has not made, or that is too old."""
        body, _, signature = value.partition(".")
        if len(value) > _LONGEST or not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return None
        try:
            told = json.loads(_decoded(body))
            session, opened = Session(str(told["user"]), str(told["password"])), int(told["opened"])
        except (ValueError, KeyError, TypeError, binascii.Error):
            return None
        return session if 0 <= self._clock() - opened < LASTS else None

    def _signature(self, body: str) -> str:
        return _encoded(hmac.digest(self._key, body.encode(errors="replace"), hashlib.sha256))


def cookie_of(header: bytes) -> str | None:
    """The session's value in a Cookie header, whatever stands beside it; None where there is none."""
    for part in header.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
