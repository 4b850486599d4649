"""vreason_tracking.server.identity and gate: what a role, a token or a session may not do, and the brake on guessing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from vreason_tracking.server.gate import FAILURES, BrakedError, Gate, Identity
from vreason_tracking.server.identity import _refusal
from vreason_tracking.server.sessions import COOKIE, Sessions, cookie_of
from vreason_tracking.server.users import User

ADA, BOB, EVE = User("ada", "admin"), User("bob", "editor"), User("eve", "viewer")
API, AJAX = "/api/2.0/mlflow", "/ajax-api/3.0/mlflow"


def refusal(method: str, path: str, identity: Identity, **headers: str) -> str | None:
    """Why it is refused; None where it is not."""
    told = {name.encode(): value.encode() for name, value in headers.items()}
    found = _refusal({"type": "http", "method": method, "path": path}, told, identity)
    return None if found is None else found[0]


CHANGES = (
    ("POST", f"{API}/users/create"),
    ("POST", f"{API}/users/create-ui"),
    ("PATCH", f"{API}/users/update-admin"),
    ("DELETE", f"{API}/users/delete"),
    ("POST", f"{AJAX}/users/permissions/grant"),
    ("POST", f"{AJAX}/roles/create"),
    ("DELETE", f"{AJAX}/roles/unassign"),
    ("POST", "/signup"),
)


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("identity", [Identity(ADA), Identity(ADA, by_token=True), Identity(ADA, by_session=True), Identity(BOB)])
def test_users_are_not_changed_by_mlflow_s_routes(method: str, path: str, identity: Identity) -> None:
    """By nobody: those routes know no last admin, no role of ours and no token."""
    assert "MLflow's routes" in (refusal(method, path, identity, host="h", origin="http://h") or "")


def test_own_password() -> None:
    """Somebody changes their own, for which MLflow asks for the present one; a token does not."""
    path = f"{API}/users/update-password"
    assert refusal("PATCH", path, Identity(EVE)) is None
    assert "token" in (refusal("PATCH", path, Identity(BOB, by_token=True)) or "")


@pytest.mark.parametrize("path", [f"{API}/users/list", f"{AJAX}/users/get", f"{AJAX}/roles/list", f"{AJAX}/roles/users/list"])
def test_only_an_admin_sees_users(path: str) -> None:
    """Others are told so; everybody sees themselves."""
    assert refusal("GET", path, Identity(ADA)) is None
    for user in (BOB, EVE):
        assert "only an admin sees users" in (refusal("GET", path, Identity(user)) or "")
        assert refusal("GET", f"{API}/users/current", Identity(user)) is None


class KnownUsers:
    """Ada, with one password; counts how often one was tried."""

    tried = 0

    def check(self, name: str, password: str) -> User | None:
        self.tried += 1
        return ADA if (name, password) == ("ada", "right") else None

    def password_digest(self, name: str) -> str:
        return "digest"

    def list(self) -> list[User]:
        return [ADA]


class KnownTokens:
    """One token, of Ada's."""

    good = "vrt_" + "0" * 16 + "_" + "a" * 43

    def find(self, token: str) -> Any:
        return type("Token", (), {"user": "ada", "scope": "write"}) if token == self.good else None


@pytest.fixture
def users() -> KnownUsers:
    return KnownUsers()


@pytest.fixture
def gate(users: KnownUsers) -> Gate:
    return Gate(users, KnownTokens(), Sessions(b"secret"), clock=lambda: 100.0)  # type: ignore[arg-type]


def test_many_guesses_at_once(gate: Gate, users: KnownUsers) -> None:
    """Of eighty at the same time no more are tried than of eighty one after the other."""

    def guess(number: int) -> str:
        try:
            return str(gate.identify("ada", f"wrong {number}", "10.0.0.1"))
        except BrakedError:
            return "braked"

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(80)))
    assert FAILURES == users.tried
    assert 80 - FAILURES == answers.count("braked")


def test_others_failures_keep_nobody_out(gate: Gate, users: KnownUsers) -> None:
    """Who has been let in stays in, by password, session or token; another address is not touched; a new password has to wait."""
    cookie = gate.open_session("ada", "right", "10.0.0.1")
    assert cookie
    for number in range(FAILURES):
        assert gate.identify("ada", f"wrong {number}", "10.0.0.1") is None
    assert gate.identify("ada", "right", "10.0.0.1")
    assert gate.identify_session(cookie)
    assert gate.identify("", KnownTokens.good, "10.0.0.1")
    assert gate.identify("ada", "right", "10.0.0.2")
    with pytest.raises(BrakedError):
        gate.identify("bob", "anything", "10.0.0.1")


def test_good_passwords_do_not_count(users: KnownUsers) -> None:
    """However often somebody logs in, it is no failure."""
    now = [0.0]
    gate = Gate(users, KnownTokens(), None, clock=lambda: now[0])  # type: ignore[arg-type]
    for _ in range(3 * FAILURES):
        now[0] += 11  # what was good is asked again
        assert gate.identify("ada", "right", "10.0.0.1")
    assert 3 * FAILURES == users.tried


@pytest.mark.parametrize("name", ["a\0", "\x1b[31m", "\u202e", "\ud800"])
def test_a_name_that_cannot_be(gate: Gate, users: KnownUsers, name: str) -> None:
    """It is a failed login, of which no database is asked."""
    assert gate.identify(name, "x", "10.0.0.1") is None
    assert gate.identify("ada", "x\0", "10.0.0.1") is None
    assert 0 == users.tried


@pytest.mark.parametrize("beside", ['j={"x":1,"y":2}', "x=a b", "noeq", "a@b=1", "u=é", 'q="un', "", "=", "vreason_session2=y"])
def test_a_cookie_beside_others(beside: str) -> None:
    """Whatever another program on this host has set, the session is found."""
    assert "value" == cookie_of(f"{beside}; {COOKIE}=value".encode())
    assert "value" == cookie_of(f"{COOKIE}=value; {beside}".encode())
