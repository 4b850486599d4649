"""vreason_tracking.stores.store_errors: which failed calls may pass. The errors are those of real files, as MLflow hands them on."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from tests.helpers.raised import error_of
from vreason.errors import ConfigError, ConfigIssue, TrackingError, TrackingUnavailableError
from vreason_tracking.stores.mlflow_store import MlflowStore
from vreason_tracking.stores.store_errors import failure, is_unavailable, reason_of


def on_each_connection(uri: str, *statements: str) -> None:
    """Have MLflow's engine run these on the connections that it opens from now on, and wait for a lock for 50 ms instead of 20 s."""
    engine = SqlAlchemyStore._engine_map[uri]
    engine.dispose()

    @sqlalchemy.event.listens_for(engine, "connect")
    def _run(connection: sqlite3.Connection, record: object) -> None:
        for statement in statements:
            connection.execute(statement)

    @sqlalchemy.event.listens_for(engine, "before_cursor_execute", retval=True)
    def _quicker(connection: object, cursor: object, statement: str, parameters: object, context: object, many: bool) -> object:
        return statement.replace("busy_timeout = 20000", "busy_timeout = 50"), parameters


def test_a_locked_file(tracking_uri: str, tmp_path: Path) -> None:
    """Whoever else writes will be done."""
    store = MlflowStore(tracking_uri, "trial")
    run = store.start_run("a", {})
    on_each_connection(tracking_uri)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        error = error_of(lambda: store.log(run, [("entropy", 0.5, 1, 0)]))
    assert "database is locked" in reason_of(error)
    assert is_unavailable(error)
    store.log(run, [("entropy", 0.5, 1, 0)])


@pytest.mark.parametrize(
    ("statement", "words", "expected"),
    [
        ("PRAGMA max_page_count = 1", "database or disk is full", True),
        ("PRAGMA query_only = 1", "attempt to write a readonly database", False),
        ("CREATE TEMP TRIGGER t BEFORE INSERT ON metrics BEGIN SELECT RAISE(ABORT, 'not allowed'); END", "not allowed", False),
    ],
)
def test_what_sqlite_refuses(tracking_uri: str, statement: str, words: str, expected: bool) -> None:
    """A full disk may be made room on; a file that is read only, and a row that is not allowed, are refused for good."""
    store = MlflowStore(tracking_uri, "trial")
    run = store.start_run("a", {})
    on_each_connection(tracking_uri, statement)
    error = error_of(lambda: store.log(run, [(f"entropy.{number}", 0.5, 1, number) for number in range(1_000)]))
    assert (True, expected) == (words in str(error), is_unavailable(error))


def test_a_damaged_file(tracking_uri: str, tmp_path: Path) -> None:
    """It does not repair itself."""
    store = MlflowStore(tracking_uri, "trial")
    run = store.start_run("a", {})
    SqlAlchemyStore._engine_map[tracking_uri].dispose()
    for rest in tmp_path.glob("mlflow.db-*"):
        rest.unlink()
    (tmp_path / "mlflow.db").write_text("dear diary, " * 10_000)
    assert not is_unavailable(error_of(lambda: store.log(run, [("entropy", 0.5, 1, 0)])))


def test_files(tmp_path: Path) -> None:
    """A full disk may be made room on; a file or folder that is not there is not waited for."""

    def fill() -> None:
        with open("/dev/full", "w", buffering=1) as full:
            full.write("a\n")

    (tmp_path / "file").touch()
    assert is_unavailable(error_of(fill))
    assert not is_unavailable(error_of((tmp_path / "none").read_text))
    assert not is_unavailable(error_of((tmp_path / "file" / "below").mkdir))


def test_names_that_do_not_resolve() -> None:
    """The resolver's errors may pass: the network may be down."""
    assert is_unavailable(error_of(lambda: socket.getaddrinfo("::1", 80, family=socket.AF_INET)))


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), TrackingError("x"), ConfigError([ConfigIssue("a", "b")]), KeyboardInterrupt()]
)
def test_what_nobody_knows(error: BaseException) -> None:
    """It counts as refused."""
    assert not is_unavailable(error)


def test_the_error_behind_decides() -> None:
    """A TrackingError is what the error behind it is, also where it was not named as the cause; one that hides it is refused."""

    def wrapped(how: str) -> None:
        try:
            raise ConnectionResetError("gone")
        except ConnectionResetError as error:
            if how == "cause":
                raise TrackingError("x") from error
            if how == "hidden":
                raise TrackingError("x") from None
            raise TrackingError("x")  # noqa: B904 - as libraries do

    assert [True, True, False] == [is_unavailable(error_of(lambda how=how: wrapped(how))) for how in ("cause", "context", "hidden")]


def test_failure() -> None:
    """What is raised tells a caller whether to come again, by its class; a user sees exit code 5 either way."""
    away, refused = failure(ConnectionRefusedError(), "a"), failure(PermissionError(), "b")
    assert [TrackingUnavailableError, TrackingError] == [type(away), type(refused)]
    assert [("a", 5), ("b", 5)] == [(str(each), each.exit_code) for each in (away, refused)]
    assert is_unavailable(away)


def test_reason_of() -> None:
    """One line, without the driver's preamble and without passwords; an error without words is named by its class."""
    text = "(raised as a result of autoflush)\n(psycopg.OperationalError) postgresql://u:s3cret@h/x is unavailable\n[SQL: SELECT 1]"
    assert "postgresql://u:***@h/x is unavailable" == reason_of(RuntimeError(text))
    assert "TimeoutError" == reason_of(TimeoutError())


def test_nothing_heavy_is_imported() -> None:
    """Asking costs no import of MLflow, a database or a network library."""
    asked = "from vreason_tracking.stores import store_errors; store_errors.is_unavailable(ValueError())"
    code = f"import sys; {asked}; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert [] == [name for name in ("mlflow", "sqlalchemy", "psycopg", "requests", "torch") if f"'{name}'" in loaded]
