"""vreason_tracking.server: users, roles, tokens, and who is let in; with MLflow's own store of users and a real server."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.helpers.tracking_server import TrackingServer
from vreason.errors import ConfigError, TrackingError
from vreason_migrations import upgrade
from vreason_tracking.audit import AuditDatabase, AuditLog, Filter, local_uri
from vreason_tracking.server import Tokens, User, Users, users_address
from vreason_tracking.server.app import _prepare_users
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.gate import FAILURES, KNOWN_FOR, WINDOW, Gate
from vreason_tracking.server.identity import IdentityMiddleware, user_of

pytestmark = pytest.mark.slow  # MLflow's store of users takes seconds to make

PASSWORDS = {"ada": "ada's long password", "bob": "bob's long password", "eve": "eve's long password"}
ROLES = {"ada": "admin", "bob": "editor", "eve": "viewer"}
CHANGE, SEARCH = "/api/2.0/mlflow/runs/delete", "/api/2.0/mlflow/runs/search"


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[AuditDatabase]:
    made = AuditDatabase(local_uri(tmp_path_factory.mktemp("users") / "audit.db"), pooled=True)
    upgrade(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def users(database) -> Users:
    """Ada, an admin, Bob, an editor, and Eve, a viewer."""
    found = Users(users_address(database.uri))
    for name, role in ROLES.items():
        found.add(name, PASSWORDS[name], role)
    return found


@pytest.fixture
def tokens(database) -> Tokens:
    return Tokens(database)


def test_roles(users) -> None:
    """Each has the role that was given; passwords are checked; a role can be changed and changed back."""
    assert [User(name, role) for name, role in sorted(ROLES.items())] == users.list()
    assert User("bob", "editor") == users.check("bob", PASSWORDS["bob"])
    assert users.check("bob", "wrong") is None
    assert users.check("nobody", "wrong") is None
    for role in ("admin", "viewer", "editor"):
        users.set_role("bob", role)
        assert role == users.find("bob").role


def test_what_is_refused(users) -> None:
    """A name, a password or a role that cannot be one; a name that is taken; nobody; the last admin's end."""
    for name, password, role in (
        ("a:b", "x" * 12, "viewer"),
        (" ", "x" * 12, "viewer"),
        ("new", "short", "viewer"),
        ("new", "x" * 12, "boss"),
    ):
        with pytest.raises(ConfigError):
            users.add(name, password, role)
    with pytest.raises(TrackingError, match="there is a user 'bob' already"):
        users.add("bob", "x" * 12, "viewer")
    for change in (lambda: users.find("nobody"), lambda: users.remove("nobody"), lambda: users.set_role("nobody", "viewer")):
        with pytest.raises(TrackingError, match="there is no user 'nobody'"):
            change()
    for change in (lambda: users.remove("ada"), lambda: users.set_role("ada", "editor")):
        with pytest.raises(TrackingError, match="'ada' is the only admin"):
            change()
    assert sorted(ROLES) == [user.name for user in users.list()]


def test_a_token(tokens, database) -> None:
    """It is told once; the database has its digest; it is good until it is withdrawn, and cannot be changed there."""
    token = tokens.create("bob", "laptop", "read", 1)
    found = tokens.find(token)
    assert found is not None
    assert ("bob", "read", "laptop", True) == (found.user, found.scope, found.name, found.good)
    assert tokens.find(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    with database.engine.connect() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM tokens").fetchall())
    assert (False, True) == (token in rows, found.id in rows)
    assert token.split("_", 2)[2] not in rows
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tokens SET expires_ms = expires_ms + 1")
    tokens.revoke(found.id, "ada")
    tokens.revoke(found.id, "ada")
    assert tokens.find(token) is None
    assert [True] == [each.revoked for each in tokens.list() if each.id == found.id]


def test_tokens_that_are_refused(tokens) -> None:
    """Scopes and times that cannot be; one that has expired; what is no token; an id that is not there."""
    for scope, days in (("all", 1), ("read", 0), ("read", 367), ("read", float("nan"))):
        with pytest.raises(ConfigError):
            tokens.create("bob", "x", scope, days)
    assert tokens.find(tokens.create("bob", "x", "read", 1e-9)) is None
    for text in ("", "vrt_", "vrt_0123456789abcdef_" + "A" * 43, "password"):
        assert tokens.find(text) is None
    with pytest.raises(TrackingError, match="there is no token 'none'"):
        tokens.revoke("none", "ada")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(users, tokens, database, clock) -> Iterator[TestClient]:
    """What stands behind the check says who it was told."""

    async def told(request: Request) -> JSONResponse:
        return JSONResponse({"user": user_of(request.scope), "authorized": request.headers["x-vreason-user"].split(":")[1]})

    async def health(_: Request) -> JSONResponse:
        return JSONResponse("OK")

    appender = Appender(AuditLog(database))
    routes = [Route(CHANGE, told, methods=["POST"]), Route(SEARCH, told, methods=["POST"]), Route("/health", health)]
    app = Starlette(routes=routes, middleware=[Middleware(IdentityMiddleware, gate=Gate(users, tokens, clock=clock), appender=appender)])
    with TestClient(app) as client:
        yield client
    appender.close()


def test_who_may_do_what(client, tokens) -> None:
    """Admins and editors write, viewers read; so do tokens that may only read; nobody else is let in."""
    for name, role in ROLES.items():
        assert 200 == client.post(SEARCH, auth=(name, PASSWORDS[name])).status_code
        assert (403 if role == "viewer" else 200) == client.post(CHANGE, auth=(name, PASSWORDS[name])).status_code
    writing, reading = tokens.create("bob", "w", "write", 1), tokens.create("bob", "r", "read", 1)
    viewing = tokens.create("eve", "w", "write", 1)
    for token, expected in ((writing, 200), (reading, 403), (viewing, 403)):
        for headers in ({"authorization": f"Bearer {token}"}, _basic("token", token), _basic(_owner(token, tokens), token)):
            assert (200, expected) == (client.post(SEARCH, headers=headers).status_code, client.post(CHANGE, headers=headers).status_code)
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}, _basic("ada", "wrong"), _basic("ada", writing)):
        answer = client.post(SEARCH, headers=headers)
        assert (401, True) == (answer.status_code, "basic" in answer.headers["www-authenticate"].lower())
    assert 200 == client.get("/health").status_code


def _basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def _owner(token: str, tokens: Tokens) -> str:
    return tokens.get(token.split("_")[1]).user


def test_what_is_told_behind_it(client) -> None:
    """The user; a header that a client made itself is taken away."""
    answer = client.post(CHANGE, auth=("bob", PASSWORDS["bob"]), headers={"x-vreason-user": "x:ada"}).json()
    assert {"user": "bob", "authorized": "bob"} == answer


def test_guessing_is_braked(client, clock) -> None:
    """After some failures an address is told to wait, whoever it says it is; a minute later it may try again."""
    for _ in range(FAILURES):
        assert 401 == client.post(SEARCH, auth=("ada", "a guess")).status_code
    answer = client.post(SEARCH, auth=("ada", PASSWORDS["ada"]))
    assert (429, "60") == (answer.status_code, answer.headers["retry-after"])
    clock.now += WINDOW + 1
    assert 200 == client.post(SEARCH, auth=("ada", PASSWORDS["ada"])).status_code


def test_users_that_cannot_be_looked_up(client, users, monkeypatch) -> None:
    """The client is told to try again; so is nobody of a name of blanks, who is simply not let in."""

    def fails(*_: object) -> None:
        raise TrackingError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(users, "check", fails)
        answer = client.post(SEARCH, auth=("ada", PASSWORDS["ada"]))
    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert 401 == client.post(SEARCH, headers=_basic("  ", "x")).status_code


def test_a_change_is_known_soon(client, users, clock) -> None:
    """A role that was taken away still counts for some seconds, and no longer."""
    assert 200 == client.post(CHANGE, auth=("bob", PASSWORDS["bob"])).status_code
    users.set_role("bob", "viewer")
    try:
        clock.now += KNOWN_FOR + 1
        assert 403 == client.post(CHANGE, auth=("bob", PASSWORDS["bob"])).status_code
    finally:
        users.set_role("bob", "editor")


def test_failures_are_entered(client, database) -> None:
    """Failed logins and refusals are in the trail, without a password."""
    client.post(SEARCH, auth=("mallory", "hunter2hunter2"))
    client.post(CHANGE, auth=("eve", PASSWORDS["eve"]))
    client.__exit__(None, None, None)
    import time

    end = time.monotonic() + 10
    log = AuditLog(database)
    while time.monotonic() < end and not log.entries(Filter(action="login.failed", actor="mallory")):
        time.sleep(0.05)
    (failed,) = log.entries(Filter(action="login.failed", actor="mallory"))
    assert "hunter2" not in str(failed)
    assert "eve is a viewer, who may only read" in {entry.outcome for entry in log.entries(Filter(action="request.refused", actor="eve"))}


def test_a_real_server(tmp_path, users, database, monkeypatch) -> None:
    """MLflow's clients with passwords and tokens: entries have their names; viewers change nothing; MLflow's pages ask who it is."""
    import shutil

    database.close()
    for name in ("audit.db", "users.db"):
        shutil.copy(os.path.join(os.path.dirname(database.uri.removeprefix("sqlite:///")), name), tmp_path / name)
    own = AuditDatabase(local_uri(tmp_path / "audit.db"))
    token = Tokens(own).create("bob", "laptop", "write", 1)
    server = TrackingServer(tmp_path, audited=True, options=("--users",))
    server.start()
    address = f"http://127.0.0.1:{server.port}"
    try:
        for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        client = MlflowClient(address)
        run = client.create_run("0").info.run_id
        client.log_metric(run, "accuracy", 0.5)
        client.log_text(run, "hello", "notes.txt")
        monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "eve")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORDS["eve"])
        viewer = MlflowClient(address)
        assert 0.5 == viewer.get_run(run).data.metrics["accuracy"]
        with pytest.raises(MlflowException, match="eve is a viewer"):
            viewer.delete_run(run)
        assert 401 == requests.get(f"{address}/", timeout=30).status_code
        assert 200 == requests.get(f"{address}/", auth=("eve", PASSWORDS["eve"]), timeout=30).status_code
        listed = requests.get(f"{address}/api/2.0/mlflow/users/list", auth=("ada", PASSWORDS["ada"]), timeout=30)
        assert (200, True) == (listed.status_code, "bob" in listed.text), listed.text
        forged = requests.post(f"{address}{CHANGE}", json={"run_id": run}, headers={"x-vreason-user": "x:ada"}, timeout=30)
        assert 401 == forged.status_code
    finally:
        server.stop()
    log = AuditLog(own)
    assert {"bob"} == {entry.actor for entry in log.entries(Filter(subject=f"run:{run}"))}
    assert {"bob"} == {entry.actor for entry in log.entries(Filter(action="mlflow.artifacts.put"))}
    own.close()


def test_no_admin_yet(tmp_path) -> None:
    """A server with users is not started before somebody could look after them."""
    from vreason_tracking.server import run_server

    database = AuditDatabase(local_uri(tmp_path / "audit.db"))
    upgrade(database)
    with pytest.raises(TrackingError, match="there is no admin yet; make one with `vreason-track user add NAME --role admin`"):
        run_server(f"sqlite:///{tmp_path}/mlflow.db", None, database.uri, "127.0.0.1", 5999, with_users=True)


def test_what_mlflow_is_told_of_users(tmp_path, monkeypatch) -> None:
    """What has a percent sign, as a quoted password has, comes to MLflow as it is: it reads the file with interpolation."""
    from mlflow.server.auth.config import read_auth_config

    address = local_uri(tmp_path / "users.db")
    Users(address).add("ad%a", "a long password", "admin")
    for name in ("MLFLOW_AUTH_CONFIG_PATH", "MLFLOW_FLASK_SERVER_SECRET_KEY", "VREASON_USERS"):
        monkeypatch.setenv(name, "")  # so that what is set is taken back
    _prepare_users(address)
    told = read_auth_config()
    assert (address, "ad%a") == (told.database_uri, told.admin_username)
