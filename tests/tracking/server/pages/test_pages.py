"""vreason_tracking.server.pages, in this process: who may see and change what, what is entered, and what browsers are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from tests.helpers import like_runs, trials
from tests.helpers.team_server import PASSWORDS, ROLES
from vreason_migrations import upgrade
from vreason_tracking.audit import AuditDatabase, AuditLog, Filter, NewEntry, SigningKey, local_uri
from vreason_tracking.server import Tokens, Users, users_address
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.gate import FAILURES, Gate
from vreason_tracking.server.identity import IdentityMiddleware
from vreason_tracking.server.pages.api import LARGEST_HANDOVER
from vreason_tracking.server.pages.app import PREFIX, make_pages
from vreason_tracking.server.pages.audit_state import AuditVerifier
from vreason_tracking.server.pages.context import Context, Team
from vreason_tracking.server.pages.forms import LARGEST_FORM
from vreason_tracking.server.pages.runs import StoreReader
from vreason_tracking.server.sessions import COOKIE, Sessions
from vreason_tracking.stores import MlflowStore

pytestmark = pytest.mark.slow  # MLflow's store of users takes seconds to make

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


@pytest.fixture(scope="module")
def store(mlflow_template, tmp_path_factory) -> str:
    """A store with two runs."""
    folder = tmp_path_factory.mktemp("store")
    uri = trials.copy_store(mlflow_template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        like_runs.pair(folder / "journal", MlflowStore(uri, "vreason"))
    return uri


def make(folder: Path, store: str, *, with_users: bool) -> Iterator[Pages]:
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


@pytest.fixture(scope="module")
def pages(store, tmp_path_factory) -> Iterator[Pages]:
    yield from make(tmp_path_factory.mktemp("pages"), store, with_users=True)


@pytest.fixture(scope="module")
def open_pages(store, tmp_path_factory) -> Iterator[Pages]:
    yield from make(tmp_path_factory.mktemp("open"), store, with_users=False)


def test_nobody(pages) -> None:
    """A browser is led to the login, and back to what it wanted; a program is told 401; styles need nobody."""
    client = pages.client()
    answer = client.get("/vreason/audit?actor=a%26b", headers={"accept": "text/html,*/*"})
    assert (303, "/vreason/login?next=%2Fvreason%2Faudit%3Factor%3Da%2526b") == (answer.status_code, answer.headers["location"])
    assert 401 == client.get("/vreason/api/runs").status_code
    assert 'value="/vreason/audit?actor=a%26b"' in client.get(answer.headers["location"]).text
    for name in ("look.css", "pages.css", "pages.js", "swagger/swagger-ui.css"):
        assert 200 == client.get(f"/vreason/static/{name}").status_code, name


@pytest.mark.parametrize("target", ["https://evil/", "//evil/", "/\\evil", "javascript:alert(1)", "/a\nb", ""])
def test_login_leads_nowhere_else(pages, target) -> None:
    """Whatever an address says, a login ends on this server."""
    data = {"name": "eve", "password": PASSWORDS["eve"], "next": target}
    answer = pages.client().post("/vreason/login", data=data, headers=SAME)
    assert (303, "/vreason/") == (answer.status_code, answer.headers["location"])


def test_cookie(pages) -> None:
    """The session is for this server alone, no script reads it, and over TLS it goes by no other way."""
    data = {"name": "eve", "password": PASSWORDS["eve"]}
    told = pages.client().post("/vreason/login", data=data, headers=SAME).headers["set-cookie"].lower()
    assert told.startswith(f"{COOKIE}=")
    assert all(each in told for each in ("httponly", "samesite=lax", "path=/", "max-age=43200"))
    assert "secure" not in told
    secure = TestClient(pages.app, "https://testserver", follow_redirects=False)
    told = secure.post("/vreason/login", data=data, headers={"origin": "https://testserver"}).headers["set-cookie"].lower()
    assert "; secure" in told
    assert ("eve", "user:eve") in pages.entered("login.done")


def test_logging_out(pages) -> None:
    """The cookie is taken away."""
    browser = pages.browser("bob")
    assert 200 == browser.get("/vreason/").status_code
    assert 303 == browser.post("/vreason/logout", data={"from": "account"}).status_code
    assert 401 == browser.get("/vreason/").status_code


def test_a_changed_password_ends_sessions(pages) -> None:
    """Who had the old one is out as soon as the server asks again."""
    assert pages.team
    pages.team.users.add("tom", "tom's long password", "viewer")
    sessions = Sessions(b"secret")
    cookie = sessions.make("tom", pages.team.users.password_digest("tom"))
    gate = Gate(pages.team.users, pages.team.tokens, sessions)
    assert gate.identify_session(cookie)
    pages.team.users._store.update_user("tom", "tom's other password")
    assert Gate(pages.team.users, pages.team.tokens, sessions).identify_session(cookie) is None
    pages.team.users.remove("tom")
    assert Gate(pages.team.users, pages.team.tokens, sessions).identify_session(cookie) is None


def test_failed_logins(pages) -> None:
    """Each is told the same, whoever is named, and entered; after ten the address has to wait."""
    client = TestClient(pages.app, HERE, client=("10.0.0.9", 1), follow_redirects=False)
    for name in ["ada", "nobody"] * (FAILURES // 2):
        answer = client.post("/vreason/login", data={"name": name, "password": "hunter2hunter2"}, headers=SAME)
        assert 401 == answer.status_code
        assert "Wrong name or password" in answer.text
    answer = client.post("/vreason/login", data={"name": "ada", "password": PASSWORDS["ada"]}, headers=SAME)
    assert (429, "60") == (answer.status_code, answer.headers["retry-after"])
    assert ("nobody", "user:nobody") in pages.entered("login.failed")
    assert not any("hunter2" in str(entry) for entry in pages.log.entries())


def test_a_token_opens_no_session(pages) -> None:
    """A personal token is for programs."""
    assert pages.team
    token = pages.team.tokens.create("bob", "x", "write", 1)
    assert 401 == pages.client().post("/vreason/login", data={"name": "bob", "password": token}, headers=SAME).status_code


CHANGES = ("/vreason/users", "/vreason/users/bob/role", "/vreason/users/bob/remove", "/vreason/account/tokens", "/vreason/logout")


@pytest.mark.parametrize("origin", ["http://evil", "null", None])
@pytest.mark.parametrize("path", [*CHANGES, "/vreason/audit/verification", "/vreason/api/audit/verification", "/vreason/login"])
def test_another_site_s_page(pages, path, origin) -> None:
    """What another site makes a browser send changes nothing, for all the cookie that goes along."""
    browser = pages.browser("ada")
    del browser.headers["origin"]
    answer = browser.post(
        path, data={"name": "mallory", "password": "m" * 12, "role": "admin"}, headers={"origin": origin} if origin else {}
    )
    assert 403 == answer.status_code
    assert pages.team
    assert set(ROLES) == {user.name for user in pages.team.users.list()}


def test_users_page(pages) -> None:
    """An admin makes somebody known, changes the role, and removes them; each is entered under the admin's name."""
    assert pages.team
    browser = pages.browser("ada")
    assert 303 == browser.post("/vreason/users", data={"name": "zoe", "password": "zoe's long password", "role": "viewer"}).status_code
    assert 303 == browser.post("/vreason/users/zoe/role", data={"role": "editor"}).status_code
    assert "editor" == pages.team.users.find("zoe").role
    assert "type zoe to remove them" in browser.post("/vreason/users/zoe/remove", data={"sure": "zo"}).text
    assert 303 == browser.post("/vreason/users/zoe/remove", data={"sure": "zoe"}).status_code
    assert "zoe" not in {user.name for user in pages.team.users.list()}
    for action in ("user.created", "user.changed", "user.deleted"):
        assert ("ada", "user:zoe") == pages.entered(action)[0]
    assert not any("zoe's long password" in str(entry) for entry in pages.log.entries())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"name": "a:b", "password": "x" * 12, "role": "viewer"}, "cannot be a user"),
        ({"name": "new", "password": "short", "role": "viewer"}, "shorter than 12"),
        ({"name": "new", "password": "x" * 12, "role": "boss"}, "is not one of viewer, editor, admin"),
        ({"name": "bob", "password": "x" * 12, "role": "viewer"}, "there is a user"),
        ({"role": "viewer"}, "cannot be a user"),
    ],
)
def test_users_that_cannot_be(pages, data, told) -> None:
    """The page says why, and nothing is changed."""
    answer = pages.browser("ada").post("/vreason/users", data=data)
    assert 422 == answer.status_code
    assert told in answer.text
    assert pages.team
    assert set(ROLES) == {user.name for user in pages.team.users.list()}


def test_the_last_admin_stays(pages) -> None:
    """Who looks after users cannot take that from themselves while nobody else does."""
    answer = pages.browser("ada").post("/vreason/users/ada/role", data={"role": "viewer"})
    assert 422 == answer.status_code
    assert "the only admin" in answer.text


@pytest.mark.parametrize("user", ["bob", "eve"])
def test_only_admins_see_users(pages, user) -> None:
    """Others are told so, on the page and by the API, and change nobody."""
    browser = pages.browser(user)
    for path in ("/vreason/users", "/vreason/api/users"):
        assert 403 == browser.get(path).status_code
    for path in CHANGES[:3]:
        assert 403 == browser.post(path, data={"name": "x", "password": "x" * 12, "role": "admin", "sure": "bob"}).status_code
    assert ">Users<" not in browser.get("/vreason/").text


def test_own_tokens(pages) -> None:
    """A token is shown once, opens what its scope allows, and is withdrawn by its owner or an admin; nobody else sees that it is there."""
    browser = pages.browser("bob")
    answer = browser.post("/vreason/account/tokens", data={"name": "<laptop>", "scope": "read", "days": "30"})
    found = re.search(r"vrt_([0-9a-f]{16})_[0-9A-Za-z_-]{43}", answer.text)
    assert found
    assert "&lt;laptop&gt;" in answer.text
    assert found[0] not in browser.get("/vreason/account").text
    program = pages.client()
    program.headers["authorization"] = f"Bearer {found[0]}"
    assert {"name": "bob", "role": "editor", "read_only": True} == program.get("/vreason/api/me").json()
    assert 403 == program.post("/vreason/account/tokens", data={"name": "x", "scope": "write", "days": "366"}, headers=SAME).status_code
    assert 404 == pages.browser("eve").post(f"/vreason/account/tokens/{found[1]}/revoke", data={"from": "account"}).status_code
    assert 303 == browser.post(f"/vreason/account/tokens/{found[1]}/revoke", data={"from": "account"}).status_code
    assert pages.team
    assert pages.team.tokens.find(found[0]) is None
    assert ("bob", "user:bob") == pages.entered("token.revoked")[0] == pages.entered("token.created")[0]
    assert 404 == browser.post("/vreason/account/tokens/none/revoke", data={"from": "account"}).status_code


@pytest.mark.parametrize("days", ["", "x", "0", "-1", "367", "nan", "inf"])
def test_days_that_cannot_be(pages, days) -> None:
    """A token that is good for no time, for ever, or for no number, is not made."""
    answer = pages.browser("bob").post("/vreason/account/tokens", data={"name": "n", "scope": "read", "days": days})
    assert 422 == answer.status_code
    assert "days" in answer.text


def test_forms_within_limits(pages) -> None:
    """A form that is too large, or none, is refused."""
    browser = pages.browser("ada")
    assert 413 == browser.post("/vreason/users", data={"name": "x" * LARGEST_FORM}).status_code
    assert 415 == browser.post("/vreason/users", json={"name": "x"}).status_code
    assert 400 == browser.post("/vreason/users", data={f"f{number}": "" for number in range(60)}).status_code


@pytest.mark.parametrize("path", ["", "audit", "reports", "account", "users", "audit/0", "nothing", "api/docs", "login", "static/pages.js"])
def test_headers(pages, path) -> None:
    """No page runs a script that is not ours, or stands in a frame; none has one in its text that its policy does not name."""
    answer = pages.client("ada").get(f"/vreason/{path}")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "same-origin" == answer.headers["referrer-policy"]
    if path not in ("api/docs", "static/pages.js"):
        assert not re.search(r"<script>|<style| on[a-z]+=|style=", answer.text)


def test_audit_pages(pages) -> None:
    """Entries by filter, a page at a time; one with its proof; a time that is none is refused by name."""
    client = pages.client("eve")
    assert "run:one" in client.get("/vreason/audit?subject=run:*").text
    assert "No entry." in client.get("/vreason/audit?subject=run:none").text
    assert "run.started" in client.get("/vreason/audit/1").text
    assert "proved" in client.get("/vreason/audit/1").text
    found = client.get("/vreason/api/audit/entries?limit=1").json()
    older = client.get(f"/vreason/api/audit/entries?limit=1&before={found['next_before']}").json()
    assert found["entries"][0]["index"] == older["entries"][0]["index"] + 1
    for path in ("audit?since=soon", "api/audit/entries?since=soon"):
        answer = client.get(f"/vreason/{path}")
        assert 422 == answer.status_code
        assert "since" in answer.text
    assert 422 == client.get("/vreason/api/audit/entries?limit=0").status_code
    assert 404 == client.get("/vreason/audit/99999").status_code
    assert 200 == client.get("/vreason/api/audit/entries/1/proof").status_code


def test_runs(pages) -> None:
    """Finished runs with their accuracy; one of them, by either of its ids; one that is not there."""
    client = pages.client("eve")
    found = client.get("/vreason/api/runs").json()["runs"]
    assert {"baseline", "v-reason"} == {run["variant"] for run in found}
    assert all(run["status"] == "FINISHED" and run["accuracy"] is not None for run in found)
    for name in ("id", "journal_id"):
        assert found[0] == client.get(f"/vreason/api/runs/{found[0][name]}").json()
    assert found[:1] == client.get(f"/vreason/api/runs?variant={found[0]['variant']}").json()["runs"]
    assert found[0]["variant"] in client.get(f"/vreason/runs/{found[0]['id']}").text
    for path in ("runs/none", "api/runs/none", "reports/none", "nothing", "api/nothing"):
        answer = client.get(f"/vreason/{path}")
        assert 404 == answer.status_code
        assert "none" in answer.text or "nothing" in answer.text or "Not there" in answer.text


def test_without_users(open_pages) -> None:
    """On this machine alone everybody sees everything but users, of which there are none; a verification is entered."""
    client = open_pages.client()
    assert 200 == client.get("/vreason/").status_code
    assert {"name": "anonymous", "role": None, "read_only": None} == client.get("/vreason/api/me").json()
    for path in ("users", "account", "api/users"):
        answer = client.get(f"/vreason/{path}")
        assert 404 == answer.status_code
        assert "this server has no users" in answer.text
    assert 404 == client.get("/vreason/login").status_code
    assert 403 == client.post("/vreason/api/audit/verification").status_code
    assert client.post("/vreason/api/audit/verification", headers=SAME).json()["problem"] is None
    assert "intact" in client.get("/vreason/audit").text
    assert "anonymous" in [actor for actor, _ in open_pages.entered("log.verified")]


def test_export(open_pages, tmp_path) -> None:
    """What the newest checkpoint signs, which verifies with the public key alone; without a checkpoint the answer says what to do."""
    from vreason_tracking.audit import verify_export

    client = open_pages.client()
    assert "audit checkpoint" in client.get("/vreason/api/audit/export").json()["error"]
    open_pages.log.sign(KEY)
    answer = client.get("/vreason/api/audit/export")
    assert 200 == answer.status_code
    (tmp_path / "audit.jsonl").write_bytes(answer.content)
    assert verify_export(tmp_path / "audit.jsonl", KEY.public).intact


def test_damage_is_shown(store, tmp_path) -> None:
    """After somebody has changed an entry in the database, the page says damaged, and the entry is not proved."""
    import sqlite3
    from contextlib import closing

    building = make(tmp_path, store, with_users=False)
    made = next(building)
    client = made.client()
    assert client.post("/vreason/api/audit/verification", headers=SAME).json()["problem"] is None
    with closing(sqlite3.connect(tmp_path / "audit.db")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE audit_entries SET body = replace(body, 'run:one', 'run:two')")
        connection.commit()
    assert 1 == client.post("/vreason/api/audit/verification", headers=SAME).json()["bad_entry"]
    assert "damaged" in client.get("/vreason/audit").text
    assert "not proved" in client.get("/vreason/audit/1").text
    assert 500 == client.get("/vreason/api/audit/entries/1/proof").status_code
    building.close()


def test_handed_over(pages, tmp_path) -> None:
    """An editor's journal is taken over under the editor's name; a viewer's is not; what proves nothing is told so by name."""
    from vreason_tracking.audit import journal_log, make_handover

    local = journal_log(tmp_path / "journal", "bob")
    local.append([NewEntry("run.started", "bob", "run:laptop", "laptop")])
    made = make_handover(local, KEY, None)
    assert made
    body = asdict(made)
    path = "/vreason/api/audit/adopted"
    assert pages.client("bob").get(path, params={"origin": local.origin()}).json() is None
    assert 403 == pages.client("eve").post(path, json=body).status_code
    assert 2 == pages.client("bob").post(path, json=body).json()["entries"]
    assert ("bob", "run:laptop") == pages.entered("local.run.started")[0]
    again = pages.client("bob").post(path, json=body)
    assert 409 == again.status_code
    assert "does not continue" in again.json()["error"] or "comes where entry" in again.json()["error"]
    for wrong in (b"", b"{", b"[]", b'{"note": 1}'):
        assert 422 == pages.client("bob").post(path, content=wrong).status_code
    assert 413 == pages.client("bob").post(path, content=b" " * (LARGEST_HANDOVER + 1)).status_code


NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7*7 }}",
    "</dd><dd>",
    "\u202eevil",
    "a/../b?c#d&e=f",
)


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text(pages, text) -> None:
    """Whatever an entry says is text: as subject, actor, outcome, reason or detail, in a list, on its own page, in a filter."""
    new = NewEntry("run.started", text, f"run:{text}", text, text, text, {text: [text], "more": text})
    made = pages.appender.append(new).result(10)
    client = pages.client("eve")
    for path in (
        f"audit/{made.index}",
        "audit",
        f"audit?actor={quote(text)}&subject={quote(text)}",
        f"models/{quote(text, safe='')}",
        "login",
    ):
        page = client.get(f"/vreason/{path}", params={"next": text} if path == "login" else None)
        assert page.status_code in (200, 404), path
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "49" not in re.findall(r"<dd[^>]*>(.*?)</dd>", page.text)
        assert 'href="javascript:' not in page.text
    assert client.get(f"/vreason/api/audit/entries/{made.index}").json()["details"]["more"] == text


def test_a_removed_user_s_tokens(pages) -> None:
    """They open nothing for the next user of that name, whether the user was removed here or elsewhere."""
    assert pages.team
    browser = pages.browser("ada")
    new = {"name": "uma", "password": "uma's long password", "role": "editor"}
    assert 303 == browser.post("/vreason/users", data=new).status_code
    first = pages.team.tokens.create("uma", "laptop", "write", 1)
    assert 303 == browser.post("/vreason/users/uma/remove", data={"sure": "uma"}).status_code
    assert pages.team.tokens.find(first) is None
    second = pages.team.tokens.create("uma", "left behind", "write", 1)
    assert 303 == browser.post("/vreason/users", data=new).status_code
    assert pages.team.tokens.find(second) is None
    assert 303 == browser.post("/vreason/users/uma/remove", data={"sure": "uma"}).status_code


def test_logging_out_is_entered(pages) -> None:
    """Who left, and when."""
    browser = pages.browser("eve")
    browser.post("/vreason/logout", data={"from": "account"})
    assert ("eve", "user:eve") == pages.entered("logout.done")[0]


@pytest.mark.parametrize("before", ["-1", "99999999999999999999999", "x", "1e3"])
def test_places_that_cannot_be(pages, before) -> None:
    """An index that no log has is refused by name, on the page and by the API."""
    for path in ("audit", "api/audit/entries"):
        answer = pages.client("eve").get(f"/vreason/{path}?before={before}")
        assert 422 == answer.status_code
        assert "before" in answer.text


def test_filters_that_cannot_be(pages) -> None:
    """A text with a NUL, and one that is longer than any subject."""
    for text in ("a%00", "x" * 2000):
        for path in ("audit", "api/audit/entries"):
            assert 422 == pages.client("eve").get(f"/vreason/{path}?subject={text}").status_code


def test_a_login_that_cannot_be(pages) -> None:
    """A name with a NUL is a wrong one; what is told names no database."""
    answer = pages.client().post("/vreason/login", data={"name": "a\0", "password": "x"}, headers=SAME)
    assert 401 == answer.status_code
    assert "sqlite" not in answer.text
    assert 422 == pages.browser("bob").post("/vreason/account/tokens", data={"name": "a\0", "scope": "read", "days": "7"}).status_code
