"""vreason_tracking.stores.store_errors with PostgreSQL: a real server that is stopped, crashes, and refuses."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from tests.helpers.postgres import PostgresServer
from tests.helpers.raised import error_of
from vreason.errors import TrackingUnavailableError
from vreason_tracking.stores.database import prepare
from vreason_tracking.stores.mlflow_store import MlflowStore
from vreason_tracking.stores.store_errors import is_unavailable, reason_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """A PostgreSQL that may be stopped."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def template(database: PostgresServer) -> str:
    name = database.databases.create()
    prepare(database.databases.uri(name))
    database.databases.disconnect(name)
    return name


@pytest.fixture
def uri(database: PostgresServer, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return database.databases.uri(database.databases.create(template))


@pytest.mark.parametrize("how", ["SIGINT", "SIGQUIT"])
def test_a_postgres_that_restarts(database: PostgresServer, uri: str, how: str) -> None:
    """While it is unavailable a call may pass; when it is back, after a shutdown as after a crash, the same store goes on."""
    store = MlflowStore(uri, "trial")
    run = store.start_run("a", {})
    database.stop(signal.Signals[how])
    assert is_unavailable(error_of(lambda: store.log(run, [("entropy", 0.5, 1, 0)])))
    assert isinstance(error_of(lambda: MlflowStore(uri, "trial")), TrackingUnavailableError)
    database.start()
    store.log(run, [("entropy", 0.5, 1, 0)])
    assert {"entropy": 0.5} == store.client.get_run(run).data.metrics


def test_a_connection_that_is_lost_in_the_middle(database: PostgresServer, uri: str) -> None:
    """The statement that was under way may pass."""
    name = str(sqlalchemy.make_url(uri).database)
    engine = sqlalchemy.create_engine(uri)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        database.databases.disconnect(name)
        error = error_of(lambda: connection.exec_driver_sql("SELECT 1"))
    assert "terminating connection" in reason_of(error)
    assert is_unavailable(error)


REFUSED_OR_NOT = [
    ("CREATE ROLE {} LOGIN PASSWORD 'right' CONNECTION LIMIT 0", "right", True, "too many connections"),
    ("CREATE ROLE {} LOGIN PASSWORD 'right'", "wrong", False, "authentication failed"),
    ("CREATE ROLE {} LOGIN PASSWORD 'right'", None, False, "no password supplied"),
    ("CREATE ROLE {} NOLOGIN PASSWORD 'right'", "right", False, "not permitted to log in"),
    ("CREATE ROLE {} LOGIN PASSWORD 'right'", "right", False, "permission denied"),
]


@pytest.mark.parametrize(("statement", "password", "expected", "words"), REFUSED_OR_NOT, ids=[words for *_, words in REFUSED_OR_NOT])
def test_users(database: PostgresServer, uri: str, statement: str, password: str | None, expected: bool, words: str) -> None:
    """A user that PostgreSQL does not let in, or not at the tables, is refused for good; one that finds it full is not."""
    role = f"role_{time.monotonic_ns()}"
    database.databases.execute(statement, role)
    there = sqlalchemy.make_url(uri)
    address = sqlalchemy.URL.create(there.drivername, role, password, there.host, there.port, there.database)
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)

    def ask() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM runs")

    error = error_of(ask)
    assert (True, expected) == (words in str(error), is_unavailable(error))


@pytest.mark.parametrize(
    ("statement", "expected", "state"),
    [
        ("SET statement_timeout = 10; SELECT pg_sleep(5)", True, "57014"),
        ("SET lock_timeout = 10; SELECT pg_advisory_xact_lock(1)", True, "55P03"),
        ("SET TRANSACTION READ ONLY; DELETE FROM runs", True, "25006"),
        ("INSERT INTO experiments (experiment_id, name) SELECT experiment_id, 'a' FROM experiments", False, "23505"),
        ("SELECT * FROM no_such_table", False, "42P01"),
        ("SELECT 1 / 0", False, "22012"),
    ],
)
def test_statements(uri: str, statement: str, expected: bool, state: str) -> None:
    """Time-outs, locks and a standby may pass; rows that are not allowed and tables that are not there do not."""
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    with engine.connect() as holder, engine.connect() as connection:
        holder.exec_driver_sql("SELECT pg_advisory_xact_lock(1)")
        first, _, second = statement.rpartition("; ")
        connection.exec_driver_sql(first or "SELECT 1")
        error = error_of(lambda: connection.exec_driver_sql(second))
    assert (state, expected) == (error.orig.sqlstate, is_unavailable(error))  # type: ignore[attr-defined]


def test_a_table_that_is_gone(uri: str, database: PostgresServer) -> None:
    """MLflow calls every operational error temporary; what PostgreSQL says counts."""
    store = MlflowStore(uri, "trial")
    run = store.start_run("a", {})
    database.databases.execute("DROP TABLE metrics CASCADE", database=str(sqlalchemy.make_url(uri).database))
    assert not is_unavailable(error_of(lambda: store.log(run, [("entropy", 0.5, 1, 0)])))
