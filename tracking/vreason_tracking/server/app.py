"""MLflow's server with the audit trail around its routes; `mlflow server --app-name vreason` finds it by its entry point.

MLflow's own protection (allowed hosts, cross-site requests, headers) stays in front: what it refuses never comes to the audit trail.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware

from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.audit import AuditDatabase, AuditLog, local_uri
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.middleware import AuditMiddleware
from vreason_tracking.stores import normalised, postgres, prepare, sqlite_path

DATABASE_VARIABLE = "VREASON_DATABASE"
APP_NAME = "vreason"


def create_app() -> FastAPI:
    """The application, with the audit trail that VREASON_DATABASE names.

    Raises:
        TrackingError: its tables are missing or of another version.
    """
    from mlflow.server.fastapi_app import create_fastapi_app

    app: FastAPI = create_fastapi_app()
    log = AuditLog(AuditDatabase(os.environ[DATABASE_VARIABLE], pooled=True))
    app.user_middleware.append(Middleware(AuditMiddleware, appender=Appender(log)))
    return app


def run_server(
    backend: str, artifacts: str | None, database: str | None, host: str, port: int, more: Sequence[str] = ()
) -> None:  # pragma: no cover - the process becomes MLflow's
    """Become the server: make its tables ready, then replace this process by `mlflow server`.

    Args:
        backend: MLflow's database.
        artifacts: where MLflow keeps artifacts; None beside a SQLite database.
        database: of the audit trail; None takes PostgreSQL's own, or a file beside a SQLite database.
        host, port: where it listens.
        more: further options of `mlflow server`.

    Raises:
        ConfigError: others could reach the address.
        TrackingError: a database cannot be used.
    """
    require_loopback(host)
    address = database_for(backend, database)
    prepare(normalised(backend))
    audit = AuditDatabase(address)
    if audit.dialect == "sqlite" and audit.version() is None:
        audit.create()
    audit.require()
    audit.close()
    os.environ[DATABASE_VARIABLE] = address
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *arguments(normalised(backend), artifacts, host, port), *more])


def arguments(backend: str, artifacts: str | None, host: str, port: int) -> list[str]:
    """What `mlflow` is told."""
    found = ["server", "--app-name", APP_NAME, "--backend-store-uri", backend, "--host", host, "--port", str(port)]
    path = sqlite_path(backend)
    destination = artifacts or (str(path.absolute().parent / "mlartifacts") if path else "mlartifacts")
    return [*found, "--artifacts-destination", destination]


def require_loopback(host: str) -> None:
    """There are no users yet, so nobody but this machine's own may reach the server.

    Raises:
        ConfigError: the address is another one.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        what = f"{host!r} can be reached by others, and the server knows no users yet: give 127.0.0.1, and a proxy that asks who it is"
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
