"""MLflow's server with the audit trail around its routes; `mlflow server --app-name vreason` finds it by its entry point.

MLflow's own protection (allowed hosts, cross-site requests, headers) stays in front: what it refuses never comes to the audit trail.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from vreason.errors import ConfigError, ConfigIssue, TrackingError
from vreason_tracking.audit import VERSION as AUDIT_VERSION, AuditDatabase, AuditLog, local_uri, read_public_key
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.gate import Gate
from vreason_tracking.server.identity import IdentityMiddleware, user_of
from vreason_tracking.server.middleware import AuditMiddleware
from vreason_tracking.server.pages.app import make_pages
from vreason_tracking.server.pages.audit_state import AuditVerifier
from vreason_tracking.server.pages.context import Context, Team
from vreason_tracking.server.pages.runs import StoreReader
from vreason_tracking.server.sessions import Sessions
from vreason_tracking.server.tokens import Tokens
from vreason_tracking.server.users import Users
from vreason_tracking.stores import normalised, postgres, redact_password, sqlite_path
from vreason_tracking.web import PREFIX

DATABASE_VARIABLE, USERS_VARIABLE = "VREASON_DATABASE", "VREASON_USERS"
BACKEND_VARIABLE, ARTIFACTS_VARIABLE = "VREASON_BACKEND", "VREASON_ARTIFACTS"
SECRET_VARIABLE = "MLFLOW_FLASK_SERVER_SECRET_KEY"
"""Of sessions and forms: the processes of a server, and servers beside each other, share it."""
PUBLIC_KEY_VARIABLE = "VREASON_AUDIT_PUBLIC_KEY"
"""File of the public key with which checkpoints of the audit trail are signed."""
APP_NAME = "vreason"
_WITH_TOKENS = "0002"  # the version of the tables that a server with users needs


def create_app() -> FastAPI:
    """The application, with the audit trail that VREASON_DATABASE names and, where VREASON_USERS does, users.

    Raises:
        TrackingError: tables are missing or of another version, or the public key of the audit trail cannot be read.
    """
    database = AuditDatabase(os.environ[DATABASE_VARIABLE], pooled=True)
    log = AuditLog(database)
    appender, team = Appender(log), _team(database)
    if team is None:
        from mlflow.server.fastapi_app import create_fastapi_app

        app: FastAPI = create_fastapi_app()
        app.user_middleware.append(Middleware(AuditMiddleware, appender=appender))
    else:
        from mlflow.server.auth import create_app as create_app_with_users

        app = create_app_with_users()
        app.user_middleware.append(Middleware(AuditMiddleware, appender=appender, identify=user_of))
        app.user_middleware.insert(0, Middleware(IdentityMiddleware, gate=team.gate, appender=appender))
    pages = Mount(PREFIX, make_pages(_context(log, appender, team)))
    app.router.routes[:0] = [Route(PREFIX, lambda _: RedirectResponse(f"{PREFIX}/", 307)), pages]
    return app


def _team(database: AuditDatabase) -> Team | None:
    address = os.environ.get(USERS_VARIABLE)
    if address is None:
        return None
    database.require(_WITH_TOKENS)
    users, tokens = Users(address), Tokens(database)
    return Team(Gate(users, tokens, Sessions(os.environ[SECRET_VARIABLE].encode())), users, tokens)


def _context(log: AuditLog, appender: Appender, team: Team | None) -> Context:
    """What the pages work with."""
    named = os.environ.get(PUBLIC_KEY_VARIABLE)
    key = read_public_key(Path(named)) if named else None
    store = StoreReader(os.environ[BACKEND_VARIABLE], os.environ[ARTIFACTS_VARIABLE])
    return Context(log, appender, AuditVerifier(log, key), key, store, team)


def run_server(
    backend: str, artifacts: str | None, database: str | None, host: str, port: int, more: Sequence[str] = (), *, with_users: bool = False
) -> None:  # pragma: no cover - the process becomes MLflow's
    """Become the server: see that its tables are ready, then replace this process by `mlflow server`.

    Args:
        backend: MLflow's database.
        artifacts: where MLflow keeps artifacts; None beside a SQLite database.
        database: of the audit trail; None takes PostgreSQL's own, or a file beside a SQLite database.
        host, port: where it listens.
        more: further options of `mlflow server`.
        with_users: whether everybody has to say who they are.

    Raises:
        ConfigError: others could reach the address, and nobody has to say who they are.
        TrackingError: a database cannot be used, or there is no admin yet.
    """
    if not with_users:
        require_loopback(host)
    address = database_for(backend, database)
    _keep_readers_going(normalised(backend))
    audit = AuditDatabase(address)
    if audit.dialect == "sqlite" and audit.version() is None and not with_users:
        audit.create()
    audit.require(_WITH_TOKENS if with_users else AUDIT_VERSION)
    audit.close()
    if named := os.environ.get(PUBLIC_KEY_VARIABLE):
        read_public_key(Path(named))
    kept = destination_for(normalised(backend), artifacts)
    if with_users:
        _prepare_users(users_address(address))
    os.environ |= {DATABASE_VARIABLE: address, BACKEND_VARIABLE: normalised(backend), ARTIFACTS_VARIABLE: kept}
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")  # nobody's word for where a request comes from counts unless a proxy is named
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *arguments(normalised(backend), kept, host, port), *more])


def _keep_readers_going(backend: str) -> None:
    """Have a SQLite file written with a log of its own (WAL), so that who reads does not wait for who writes.

    MLflow makes its tables itself: made before, the default experiment would keep its artifacts where the server does not look.

    Raises:
        TrackingError: it is no SQLite file, or cannot be written.
    """
    path = sqlite_path(backend)
    if path is None:
        return
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise TrackingError(f"{path}: cannot be used ({error}); name another file with --backend-store-uri") from error


def users_address(database: str) -> str:
    """Where MLflow keeps the users of a server: in the same PostgreSQL, or in `users.db` beside a SQLite file of the audit trail."""
    path = sqlite_path(database)
    return database if path is None else local_uri(path.absolute().with_name("users.db"))


def _prepare_users(address: str) -> None:
    """Tell MLflow's basic-auth, by its own file of settings, where users are and who asks for them.

    Raises:
        TrackingError: there is no admin yet.
    """
    admin = next((user.name for user in Users(address).list() if user.role == "admin"), None)
    if admin is None:
        raise TrackingError(f"{redact_password(address)}: there is no admin yet; make one with `vreason-track user add NAME --role admin`")
    settings = ConfigParser(interpolation=None)
    told = {
        "default_permission": "MANAGE",  # viewers come no further than `IdentityMiddleware`
        "database_uri": address,
        "admin_username": admin,
        "authorization_function": "vreason_tracking.server.identity:authorize",
    }
    settings["mlflow"] = {name: value.replace("%", "%%") for name, value in told.items()}  # MLflow reads the file with interpolation
    folder = Path(tempfile.mkdtemp(prefix="vreason-server-"))  # for this user alone: the address may hold a password
    with (folder / "basic_auth.ini").open("w", encoding="utf-8") as file:
        settings.write(file)
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(folder / "basic_auth.ini")
    os.environ.setdefault(SECRET_VARIABLE, secrets.token_hex(32))
    os.environ[USERS_VARIABLE] = address


def arguments(backend: str, artifacts: str, host: str, port: int) -> list[str]:
    """What `mlflow` is told."""
    found = ["server", "--app-name", APP_NAME, "--backend-store-uri", backend, "--host", host, "--port", str(port)]
    return [*found, "--artifacts-destination", artifacts]


def destination_for(backend: str, artifacts: str | None) -> str:
    """Where artifacts are kept: where it is named, else `mlartifacts` beside a SQLite database, or here."""
    path = sqlite_path(backend)
    return artifacts or str((path.absolute().parent if path else Path.cwd()) / "mlartifacts")


def require_loopback(host: str) -> None:
    """Where nobody has to say who they are, nobody but this machine's own may reach the server.

    Raises:
        ConfigError: the address is another one.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        what = f"{host!r} can be reached by others, and nobody would have to say who they are: give --users, or 127.0.0.1"
        raise ConfigError([ConfigIssue("--host", what)])


def database_for(backend: str, database: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The address of the audit trail: the one that is named, PostgreSQL's own, or `audit.db` beside a SQLite database.

    Raises:
        ConfigError: none is named, and there is no place for one.
    """
    if named := database or environment.get(DATABASE_VARIABLE):
        return normalised(named)
    if postgres.is_postgres(backend):
        return normalised(backend)
    path = sqlite_path(normalised(backend))
    if path is None:
        raise ConfigError([ConfigIssue("--database", "is missing: beside this backend there is no place for an audit trail; name one")])
    return local_uri(Path(path).absolute().with_name("audit.db"))
