"""The server's pages in this process: without MLflow around them, with users or without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from tests.helpers.team_server import PASSWORDS, ROLES
from vreason_migrations import upgrade
from vreason_tracking.audit import AuditDatabase, AuditLog, Filter, NewEntry, SigningKey, local_uri
from vreason_tracking.server import Tokens, Users, users_address
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.gate import Gate
from vreason_tracking.server.identity import IdentityMiddleware
from vreason_tracking.server.pages.app import PREFIX, make_pages
from vreason_tracking.server.pages.audit_state import AuditVerifier
from vreason_tracking.server.pages.context import Context, Team
from vreason_tracking.server.pages.runs import StoreReader
from vreason_tracking.server.sessions import Sessions

HERE = "http://testserver"
SAME = {"origin": HERE}
KEY = SigningKey.generate("team")


@dataclass
class Pages:
    """The application, with users or without.

    Attributes:
        app: behind the check of users, where there are some.
        log: its audit trail.
        team: None where nobody has to say who they are.
    """

    app: Starlette
    log: AuditLog
    team: Team | None
    appender: Appender

    def client(self, user: str | None = None, password: str | None = None) -> TestClient:
        """A client of a user, by name and password."""
        found = TestClient(self.app, HERE, follow_redirects=False)
        if user:
            found.auth = (user, password or PASSWORDS[user])
        return found

    def browser(self, user: str) -> TestClient:
        """A browser that has logged in: it has the cookie, and says where its requests come from."""
        found = self.client()
        answer = found.post("/vreason/login", data={"name": user, "password": PASSWORDS[user], "next": "/vreason/audit"}, headers=SAME)
        assert (303, "/vreason/audit") == (answer.status_code, answer.headers["location"])
        found.headers["origin"] = HERE
        return found

    def entered(self, action: str) -> list[tuple[str, str]]:
        """Who did it, and to what; of the newest first."""
        self.appender.append(NewEntry("log.verified", "test", "log:flush")).result(10)  # so that what lingers is on disk
        return [(entry.actor, entry.subject) for entry in self.log.entries(Filter(action=action), newest_first=True)]


def make(folder: Path, store: str, *, with_users: bool) -> Iterator[Pages]:
    """The application over a store, with an audit trail of its own in a folder."""
    database = AuditDatabase(local_uri(folder / "audit.db"), pooled=True)
    upgrade(database)
    team = None
    if with_users:
        users, tokens = Users(users_address(database.uri)), Tokens(database)
        for name, role in ROLES.items():
            users.add(name, PASSWORDS[name], role)
        team = Team(Gate(users, tokens, Sessions(b"secret")), users, tokens)
    log = AuditLog(database)
    appender = Appender(log)
    appender.append(NewEntry("run.started", "ada", "run:one")).result(10)
    context = Context(log, appender, AuditVerifier(log, KEY.public), KEY.public, StoreReader(store, str(folder)), team)
    around = [Middleware(IdentityMiddleware, gate=team.gate, appender=appender)] if team else []
    try:
        yield Pages(Starlette(routes=[Mount(PREFIX, make_pages(context))], middleware=around), log, team, appender)
    finally:
        appender.close()
        database.close()
