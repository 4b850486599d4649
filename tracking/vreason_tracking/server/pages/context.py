"""What the pages work with, and who looks at them."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vreason_tracking.audit import AuditLog, NewEntry, PublicKey
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.gate import Gate, Identity
from vreason_tracking.server.identity import address_of, user_of
from vreason_tracking.server.pages.audit_state import AuditVerifier, Verified
from vreason_tracking.server.pages.runs import StoreReader
from vreason_tracking.server.tokens import Tokens
from vreason_tracking.server.users import Users

ENTRY_TIMEOUT = 30.0
"""Seconds that a page waits for an entry to be on disk."""


@dataclass(frozen=True)
class Team:
    """The users of a server that has some."""

    gate: Gate
    users: Users
    tokens: Tokens


@dataclass(frozen=True)
class Context:
    """What the pages work with.

    Attributes:
        log: the audit trail, for reading.
        appender: for entering.
        verifier: of the log.
        key: with which the log's checkpoints are signed; None where the server was not told.
        store: of runs and reports.
        team: None where nobody has to say who they are.
    """

    log: AuditLog
    appender: Appender
    verifier: AuditVerifier
    key: PublicKey | None
    store: StoreReader
    team: Team | None

    def enter(self, request: Request, action: str, subject: str, **details: object) -> None:
        """Enter what is about to be done, and wait until that is on disk.

        Raises:
            Exception: it cannot be entered; it is not to be done then.
        """
        entry = NewEntry(action, user_of(request.scope), subject, address_of(request.scope) or socket.gethostname(), details=details)
        self.appender.append(entry).result(ENTRY_TIMEOUT)

    def verify(self, request: Request) -> Verified:
        """Verify every entry, and enter what was found.

        Raises:
            TrackingError: the log cannot be read.
        """
        found = self.verifier.verify()
        self.enter(request, "log.verified", f"log:{self.log.named()}", entries=found.entries, problem=found.problem)
        return found

    def team_for(self, request: Request) -> tuple[Team, Identity]:
        """The users, and who asks.

        Raises:
            HTTPException: this server has none.
        """
        identity = request.scope.get("vreason.identity")
        if self.team is None or identity is None:
            raise HTTPException(404, "this server has no users; `vreason-track server --users` asks everybody who they are")
        return self.team, identity

    def require_admin(self, request: Request) -> tuple[Team, Identity]:
        """The users, and the admin who asks.

        Raises:
            HTTPException: this server has no users, or an admin is needed.
        """
        team, identity = self.team_for(request)
        if identity.user.role != "admin":
            raise HTTPException(403, f"{identity.user.name} is {identity.user.role}; only an admin sees and changes users")
        return team, identity

    def require_writer(self, request: Request) -> None:
        """Refuse who may only read.

        Raises:
            HTTPException: they may only read.
        """
        identity = request.scope.get("vreason.identity")
        if identity is not None and not identity.may_write:
            raise HTTPException(403, f"{identity.user.name} may only read; an admin gives roles with `vreason-track user role`")

    def require_password(self, identity: Identity) -> None:
        """Refuse a token: it could make itself another that lasts longer.

        Raises:
            HTTPException: it is one.
        """
        if identity.by_token:
            raise HTTPException(403, "a token cannot change users or tokens; log in with name and password")
