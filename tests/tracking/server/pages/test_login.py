"""vreason_tracking.server.pages: logging in and out with a browser, and what another site's page cannot do."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.helpers.server_pages import HERE, SAME
from tests.helpers.team_server import PASSWORDS, ROLES
from vreason_tracking.server.gate import FAILURES, Gate
from vreason_tracking.server.sessions import COOKIE, Sessions

pytestmark = pytest.mark.slow  # MLflow's store of users takes seconds to make

CHANGES = ("/vreason/users", "/vreason/users/bob/role", "/vreason/users/bob/remove", "/vreason/account/tokens", "/vreason/logout")


def test_nobody(pages) -> None:
    """A browser is led to the login, and back to what it wanted; a program is told 401; styles need nobody."""
    client = pages.client()
    answer = client.get("/vreason/audit?actor=a%26b", headers={"accept": "text/html,*/*"})
    assert (303, "/vreason/login?next=%2Fvreason%2Faudit%3Factor%3Da%2526b") == (answer.status_code, answer.headers["location"])
    assert 401 == client.get("/vreason/api/runs").status_code
    assert 'value="/vreason/audit?actor=a%26b"' in client.get(answer.headers["location"]).text
    for name in ("look.css", "web/pages.css", "web/pages.js", "swagger/swagger-ui.css"):
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


def test_logging_out_is_entered(pages) -> None:
    """Who left, and when."""
    browser = pages.browser("eve")
    browser.post("/vreason/logout", data={"from": "account"})
    assert ("eve", "user:eve") == pages.entered("logout.done")[0]


def test_a_login_that_cannot_be(pages) -> None:
    """A name with a NUL is a wrong one; what is told names no database."""
    answer = pages.client().post("/vreason/login", data={"name": "a\0", "password": "x"}, headers=SAME)
    assert 401 == answer.status_code
    assert "sqlite" not in answer.text
    assert 422 == pages.browser("bob").post("/vreason/account/tokens", data={"name": "a\0", "scope": "read", "days": "7"}).status_code
