"""Personal tokens: what a program shows in the place of its user's password. Scoped, expiring, shown once; the database has their SHA-256.

A token is "vrt_", its id and its secret: 256 random bits, which need no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, insert, select

from vreason.errors import ConfigError, ConfigIssue, TrackingError
from vreason_tracking.audit import AuditDatabase
from vreason_tracking.server.tables import REVOCATIONS, TOKENS

SCOPES = ("read", "write")
LONGEST = 366
"""Days for which a token may be good."""

_TOKEN = re.compile(r"vrt_(?P<id>[0-9a-f]{16})_[0-9A-Za-z_-]{43}")


@dataclass(frozen=True)
class Token:
    """A token, without its secret.

    Attributes:
        id: by which it is listed and withdrawn.
        user: whose it is.
        name: what it is for.
        scope: "read" or "write".
        created_ms, expires_ms: Unix time, milliseconds.
        revoked: whether it was withdrawn.
    """

    id: str
    user: str
    name: str
    scope: str
    created_ms: int
    expires_ms: int
    revoked: bool

    @property
    def good(self) -> bool:
        """Whether it opens anything now."""
        return not self.revoked and time.time() * 1000 < self.expires_ms


class Tokens:
    """The tokens of a database.

    Args:
        database: with the tables of version 0002.
    """

    def __init__(self, database: AuditDatabase) -> None:
        self._database = database

    def create(self, user: str, name: str, scope: str, days: float, enter: Callable[[str], None] = lambda _: None) -> str:
        """Make a token. This is the only time that it is told.

        Args:
            user: whose it is.
            name: what it is for.
            scope: one of `SCOPES`.
            days: for how long it is good.
            enter: told its id once nothing speaks against it, before it is made; if that raises, it is not made.

        Raises:
            ConfigError: the scope is none, or it would be good for too long or not at all.
            TrackingError: it cannot be written.
        """
        issues = []
        if not name.strip() or not name.isprintable():
            issues.append(ConfigIssue("name", f"{name[:40]!r} is blank, or has a letter that cannot be printed; say what the token is for"))
        if scope not in SCOPES:
            issues.append(ConfigIssue("scope", f"{scope!r} is not one of {', '.join(SCOPES)}"))
        if not 0 < days <= LONGEST:
            issues.append(ConfigIssue("days", f"{days:g} is not above 0 and at most {LONGEST}"))
        if issues:
            raise ConfigError(issues)
        public = secrets.token_hex(8)
        token = f"vrt_{public}_{secrets.token_urlsafe(32)}"
        enter(public)
        now = int(time.time() * 1000)
        row = {"id": public, "user": user, "name": name[:256], "scope": scope, "sha256": _sha256(token)}
        with self._database.writing() as connection:
            connection.execute(insert(TOKENS), row | {"created_ms": now, "expires_ms": now + round(days * 86_400_000)})
        return token

    def find(self, token: str) -> Token | None:
        """The token that a text is, if it is good; None otherwise.

        Raises:
            TrackingError: the database cannot be read.
        """
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        with self._database.reading() as connection:
            row = connection.execute(_joined().where(TOKENS.c.id == found["id"])).one_or_none()
        if row is None or not hmac.compare_digest(row.sha256, _sha256(token)):
            return None
        known = _token(row)
        return known if known.good else None

    def list(self, user: str | None = None) -> list[Token]:
        """All tokens, or a user's, the newest first; also those that are no longer good.

        Raises:
            TrackingError: the database cannot be read.
        """
        query = _joined().order_by(TOKENS.c.created_ms.desc(), TOKENS.c.id)
        with self._database.reading() as connection:
            return [_token(row) for row in connection.execute(query if user is None else query.where(TOKENS.c.user == user))]

    def get(self, token_id: str) -> Token:
        """The token with an id, good or not.

        Raises:
            TrackingError: there is none, or the database cannot be read.
        """
        with self._database.reading() as connection:
            row = connection.execute(_joined().where(TOKENS.c.id == token_id)).one_or_none()
        if row is None:
            raise TrackingError(f"there is no token {token_id!r}; `vreason-track token list` has their ids")
        return _token(row)

    def revoke(self, token_id: str, by: str) -> Token:
        """Withdraw a token, by its id; one that is withdrawn stays so.

        Raises:
            TrackingError: there is none, or it cannot be written.
        """
        known = self.get(token_id)
        if not known.revoked:
            with self._database.writing() as connection:
                connection.execute(insert(REVOCATIONS), {"id": token_id, "time_ms": round(time.time() * 1000), "by": by})
        return known

    def revoke_all(self, user: str, by: str) -> int:
        """Withdraw every token of a name, so that none opens anything for the next user who is called so. How many there were.

        Raises:
            TrackingError: they cannot be read or written.
        """
        good = [token for token in self.list(user) if not token.revoked]
        for token in good:
            self.revoke(token.id, by)
        return len(good)


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def _joined() -> Select[Any]:
    return select(TOKENS, REVOCATIONS.c.id.label("revoked")).join(REVOCATIONS, REVOCATIONS.c.id == TOKENS.c.id, isouter=True)


def _token(row: Any) -> Token:
    return Token(row.id, row.user, row.name, row.scope, row.created_ms, row.expires_ms, row.revoked is not None)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
