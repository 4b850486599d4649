"""Finds out who somebody is: by name and password, by a personal token, or by a browser's session; with a brake on guessing."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from vreason.errors import VReasonError
from vreason_tracking.server.sessions import Session, Sessions
from vreason_tracking.server.tokens import Tokens, is_token
from vreason_tracking.server.users import User, Users

KNOWN_FOR = 10.0
"""Seconds for which a password, token or session that was good is taken without asking again: a change of role takes as long."""

FAILURES, WINDOW = 10, 60.0
"""So many failed logins from an address in so many seconds, then it is told to wait."""


@dataclass(frozen=True)
class Identity:
    """Who makes a request.

    Attributes:
        user: by whose password or token.
        read_only: whether the token may only read.
        by_token: whether a personal token says so.
        by_session: whether a browser's session says so, which a browser sends along whatever page asks it to.
    """

    user: User
    read_only: bool = False
    by_token: bool = False
    by_session: bool = False

    @property
    def may_write(self) -> bool:
        """Whether they may change what is recorded by this request."""
        return self.user.may_write and not self.read_only


class BrakedError(VReasonError):
    """Too many passwords from an address were wrong."""

    def __init__(self) -> None:
        super().__init__("too many failed logins from this address; wait a minute")


class Gate:
    """Finds out who somebody is.

    Args:
        users, tokens: that are known.
        sessions: of browsers; None knows none.
        clock: monotonic seconds.
    """

    def __init__(self, users: Users, tokens: Tokens, sessions: Sessions | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._users, self._tokens, self._sessions, self._clock = users, tokens, sessions, clock
        self._known: dict[bytes, tuple[float, Identity]] = {}
        self._failed: dict[str, deque[float]] = {}
        self._key, self._lock = secrets.token_bytes(32), Lock()

    def identify(self, name: str, password: str, address: str) -> Identity | None:
        """Who somebody is by name and password, or by a token in the password's place; None where it is not right.

        The brake is on passwords: 256 random bits cannot be guessed, and who has been let in is not kept out by others' failures.

        Raises:
            BrakedError: so many passwords from this address were wrong that it is to wait.
            TrackingError: users or tokens cannot be read.
        """
        if is_token(password):
            return self._remembered(f"{name}\0{password}", lambda: self._by_token(name, password))
        return self._remembered(f"{name}\0{password}", lambda: self._by_braked_password(name, password, address))

    def _by_braked_password(self, name: str, password: str, address: str) -> Identity | None:
        moment = self._admit(address)
        found = self._by_password(name, password) if name.isprintable() and "\0" not in password else None
        if found is not None:
            with self._lock, contextlib.suppress(KeyError, ValueError):
                self._failed[address].remove(moment)
        return found

    def _admit(self, address: str) -> float:
        """Count an attempt before it is made, so that many at once are no way around; when it was made.

        Raises:
            BrakedError: there were too many.
        """
        with self._lock:
            now = self._clock()
            for each in [each for each, failed in self._failed.items() if not failed or failed[-1] < now - WINDOW]:
                del self._failed[each]
            failed = self._failed.setdefault(address, deque())
            while failed and failed[0] < now - WINDOW:
                failed.popleft()
            if len(failed) >= FAILURES:
                raise BrakedError
            failed.append(now)
            return now

    def open_session(self, name: str, password: str, address: str) -> str | None:
        """A session's cookie for a name and a password; None where they are not right. A token opens none.

        Raises:
            BrakedError: as for `identify`.
            TrackingError: users cannot be read.
        """
        identity = None if is_token(password) or self._sessions is None else self.identify(name, password, address)
        if identity is None or self._sessions is None:
            return None
        digest = self._users.password_digest(identity.user.name)
        return self._sessions.make(identity.user.name, digest)

    def identify_session(self, cookie: str) -> Identity | None:
        """Who somebody is by a session's cookie; None for one that is not good, or no longer.

        Raises:
            TrackingError: users cannot be read.
        """
        session = self._sessions.read(cookie) if self._sessions else None
        return None if session is None else self._remembered(f"cookie\0{cookie}", lambda: self._by_session(session))

    def _remembered(self, what: str, find: Callable[[], Identity | None]) -> Identity | None:
        key = hmac.digest(self._key, what.encode(errors="surrogatepass"), hashlib.sha256)
        with self._lock:
            until, identity = self._known.get(key, (0.0, None))
        if identity is not None and self._clock() < until:
            return identity
        found = find()
        if found is not None:
            with self._lock:
                if len(self._known) > 10_000:
                    self._known.clear()
                self._known[key] = (self._clock() + KNOWN_FOR, found)
        return found

    def _by_session(self, session: Session) -> Identity | None:
        known = {user.name: user for user in self._users.list()}
        if session.user not in known or not hmac.compare_digest(self._users.password_digest(session.user), session.password):
            return None
        return Identity(known[session.user], by_session=True)

    def _by_password(self, name: str, password: str) -> Identity | None:
        user = self._users.check(name, password)
        return None if user is None else Identity(user)

    def _by_token(self, name: str, token: str) -> Identity | None:
        found = self._tokens.find(token)
        if found is None or name not in ("", "token", found.user):
            return None
        known = {user.name: user for user in self._users.list()}
        return Identity(known[found.user], found.scope == "read", by_token=True) if found.user in known else None
