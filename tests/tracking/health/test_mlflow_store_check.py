"""vreason_tracking.health.mlflow_store_check: whether the tracking database or server is well."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.helpers.postgres import Databases
from vreason_tracking.health import mlflow_store_check as health_store
from vreason_tracking.health.check import Check


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that MLflow made; tests work on copies."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").create_experiment("one")
    return path


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path / "mlflow.db"))


@pytest.fixture
def serve() -> Iterator[Callable[[object], str]]:
    """Serves a WSGI application on a free port and returns its address."""
    running = []

    def start(application: object) -> str:
        server = make_server("127.0.0.1", 0, application, threaded=True)  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()


def application(version: Response, health_status: int = 200) -> object:
    """A web application that answers /version with `version` and everything else with OK."""
    return Request.application(lambda request: version if request.path == "/version" else Response("OK", health_status))


def tracking(uri: str) -> dict[str, Check]:
    return {check.name: check for check in health_store.store_checks(uri)}


def states(found: dict[str, Check]) -> dict[str, str]:
    return {name: check.state for name, check in found.items()}


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_looking_changes_nothing(store: Path) -> None:
    """The database file is the same byte for byte and nothing is left beside it, also in WAL mode and where there was no database."""
    for mode in ("DELETE", "WAL"):
        run_sql(store, f"PRAGMA journal_mode={mode}")
        before = hashlib.sha256(store.read_bytes()).hexdigest()
        assert "ok" == tracking(f"sqlite:///{store}")["schema"].state
        assert before == hashlib.sha256(store.read_bytes()).hexdigest()
    absent = store.parent / "deep" / "absent.db"
    tracking(f"sqlite:///{absent}")
    assert [store] == list(store.parent.iterdir())


def test_an_absent_database_will_be_created(tmp_path: Path) -> None:
    """A file that is not there yet is well."""
    assert {"database": Check("database", "ok", f"{tmp_path}/new.db will be created")} == tracking(f"sqlite:///{tmp_path}/new.db")


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_a_failure(uri: str) -> None:
    """What is recorded in memory is lost: a run refuses it."""
    assert {"tracking": "failure"} == states(tracking(uri))


def test_the_default_journal_mode_is_a_warning_that_its_command_mends(store: Path) -> None:
    """A store as MLflow makes it is warned about, and the command of the line puts it into WAL mode."""
    found = tracking(f"sqlite:///{store}")
    assert {"database": "ok", "journal mode": "warning", "schema": "ok"} == states(found)
    command = shlex.split(found["journal mode"].hint.strip("`"))
    subprocess.run([sys.executable, *command[1:]], check=True)
    assert {"database": "ok", "journal mode": "ok", "schema": "ok"} == states(tracking(f"sqlite:///{store}"))


def test_an_old_schema_is_a_failure_that_its_command_mends(tmp_path: Path) -> None:
    """A database migrated one revision short is a failure, and the command of the line brings it up to date."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base

    uri = f"sqlite:///{tmp_path}/it's old.db"
    engine, config = sqlalchemy.create_engine(uri), utils._get_alembic_config(uri)
    script = ScriptDirectory.from_config(config)
    before = script.get_revision(script.get_current_head()).down_revision
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, before)
    schema = tracking(uri)["schema"]
    assert ("failure", True) == (schema.state, before in schema.detail)
    upgrade = shlex.split(schema.hint.split("`")[1])
    assert ["mlflow", "db", "upgrade", uri] == upgrade
    subprocess.run([sys.executable, "-m", *upgrade], check=True, capture_output=True)
    assert "ok" == tracking(uri)["schema"].state


def test_a_schema_of_a_newer_mlflow_does_not_ask_for_an_upgrade_of_the_database(store: Path) -> None:
    """A revision that this MLflow does not know asks for a newer MLflow."""
    run_sql(store, "UPDATE alembic_version SET version_num = 'feedfacecafe'")
    schema = tracking(f"sqlite:///{store}")["schema"]
    assert ("failure", True, False) == (schema.state, "feedfacecafe" in schema.detail, "db upgrade" in schema.hint)
    assert '`pip install "mlflow>' in schema.hint


def test_somebody_elses_database_is_a_warning(tmp_path: Path) -> None:
    """Tables without a revision of MLflow's are not taken for a fresh store; an empty file is."""
    run_sql(tmp_path / "other.db", "CREATE TABLE recipes (name TEXT)")
    (tmp_path / "empty.db").touch()
    assert "warning" == tracking(f"sqlite:///{tmp_path}/other.db")["schema"].state
    assert "ok" == tracking(f"sqlite:///{tmp_path}/empty.db")["schema"].state


def test_a_text_file_is_no_database(tmp_path: Path) -> None:
    """A file that only bears the name is a failure, and nothing more is asked of it."""
    path = tmp_path / "mlflow.db"
    path.write_text("dear diary, " * 100)
    found = tracking(f"sqlite:///{path}")
    assert {"database": "failure"} == states(found)
    assert f"{path}: file is not a database" == found["database"].detail


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """A folder in the file's place is a failure."""
    assert {"database": "failure"} == states(tracking(f"sqlite:///{tmp_path}"))


@pytest.mark.parametrize("lost", ["second half", "a page in the middle"])
def test_a_damaged_database_is_a_failure(store: Path, lost: str) -> None:
    """A truncated or partly overwritten database still opens; reading it through finds out, in one line."""
    whole = store.read_bytes()
    half = len(whole) // 2
    store.write_bytes(whole[:half] if lost == "second half" else whole[:half] + b"\xff" * 4096 + whole[half + 4096 :])
    found = tracking(f"sqlite:///{store}")
    assert {"database": "failure"} == states(found)
    assert "\n" not in found["database"].detail


def test_a_locked_database_is_a_warning(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer at work is no damage."""
    monkeypatch.setattr(health_store, "TIMEOUT", 0.05)
    with closing(sqlite3.connect(store)) as other:
        other.execute("BEGIN EXCLUSIVE")
        found = tracking(f"sqlite:///{store}")
    assert {"database": "warning"} == states(found)
    assert "another process is writing; try again later" == found["database"].hint


@pytest.mark.parametrize(
    ("driver", "uri", "command"),
    [
        ("psycopg", "postgres://u:p@127.0.0.1:1/x", "`pip install 'vreason-track[postgres]'`"),
        ("MySQLdb", "mysql://u:p@127.0.0.1:1/x", "`pip install MySQLdb`"),
    ],
)
def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch, driver: str, uri: str, command: str) -> None:
    """A database whose driver is not installed gives the command that installs it."""
    monkeypatch.setitem(sys.modules, driver, None)
    found = tracking(uri)
    assert {"database": "failure"} == states(found)
    assert command == found["database"].hint


@pytest.mark.slow
def test_postgresql(postgres: Databases, postgres_uri: str) -> None:
    """A migrated database is well, however its address is written, and an empty one will be filled; neither is changed."""
    empty = postgres.create()
    found = tracking(postgres_uri.replace("postgresql+psycopg", "postgres"))
    assert {"database": "ok", "schema": "ok"} == states(found)
    assert f"{postgres_uri} can be read and written; PostgreSQL " in found["database"].detail
    found = tracking(postgres.uri(empty))
    assert ({"database": "ok", "schema": "ok"}, True) == (states(found), "will create its tables" in found["schema"].detail)
    assert [] == postgres.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=empty)
    postgres.drop(empty)


@pytest.mark.slow
def test_a_postgresql_that_cannot_be_used(postgres: Databases, postgres_uri: str) -> None:
    """Wrong password, no such database, a standby, an older schema: each is one failure with what to do."""
    name = sqlalchemy.make_url(postgres_uri).database
    assert name is not None
    wrong = tracking(postgres.uri(name, password="wrong"))["database"]
    assert ("failure", True) == (wrong.state, wrong.hint.startswith("check user and password"))
    nowhere = tracking(postgres.uri("nowhere"))["database"]
    assert ("failure", True) == (nowhere.state, nowhere.hint.startswith("create it with `createdb`"))
    postgres.execute("ALTER DATABASE {} SET default_transaction_read_only = on", name)
    standby = tracking(postgres_uri)
    assert {"database": "failure", "schema": "ok"} == states(standby)
    assert "can be read, not written" in standby["database"].detail
    postgres.execute("ALTER DATABASE {} RESET default_transaction_read_only", name)
    postgres.execute("UPDATE alembic_version SET version_num = 'bd07f7e963c5'", database=name)
    older = tracking(postgres_uri)
    assert {"database": "ok", "schema": "failure"} == states(older)
    assert f"`mlflow db upgrade {postgres_uri}`" in older["schema"].hint


def test_a_postgresql_that_is_away() -> None:
    """It is told at once, with what to do."""
    found = tracking("postgresql://me:s3cret@127.0.0.1:1/db")
    assert {"database": "failure"} == states(found)
    assert ("does not answer" in found["database"].detail, True) == (True, found["database"].hint.startswith("start it"))


def test_mlflows_own_server_is_well(serve: Callable[[object], str]) -> None:
    """MLflow's application answers /health and /version as the check expects."""
    import mlflow
    from mlflow.server import app

    uri = serve(app)
    assert {"server": Check("server", "ok", f"{uri} runs MLflow {mlflow.__version__}")} == tracking(f"{uri}/")


@pytest.mark.parametrize(
    ("version", "health_status", "state", "words"),
    [
        (Response("3.16.1"), 200, "warning", "runs MLflow 3.16.1"),
        (Response("3.17.0rc1"), 200, "warning", "runs MLflow 3.17.0rc1"),
        (Response("4.0.0"), 200, "ok", "runs MLflow 4.0.0"),
        (Response("You are not authenticated", 401), 200, "failure", "asks for a login"),
        (Response("<html>welcome</html>"), 200, "failure", "no healthy MLflow server"),
        (Response("gone", 404), 200, "failure", "no healthy MLflow server: /health 200, /version 404"),
        (Response("3.17.2"), 500, "failure", "no healthy MLflow server: /health 500"),
    ],
)
def test_other_servers(serve: Callable[[object], str], version: Response, health_status: int, state: str, words: str) -> None:
    """Old servers, servers with a login, sick servers and other web sites are told apart."""
    check = tracking(serve(application(version, health_status)))["server"]
    assert (state, True) == (check.state, words in check.detail)


def test_the_server_is_asked_with_the_credentials_of_a_run(serve: Callable[[object], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with a login is well for a user who has one in the environment."""

    @Request.application
    def guarded(request: Request) -> Response:
        login = request.authorization
        return Response("3.17.2" if login and (login.username, login.password) == ("ada", "lace") else "no", 200 if login else 401)

    uri = serve(guarded)
    assert "failure" == tracking(uri)["server"].state
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "lace")
    assert "ok" == tracking(uri)["server"].state


def test_a_dead_port_is_a_failure() -> None:
    """A port where nobody listens is told at once, not after MLflow's minutes of retries."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        check = tracking(f"http://127.0.0.1:{taken.getsockname()[1]}")["server"]
    assert ("failure", True) == (check.state, "does not answer" in check.detail)


def test_a_silent_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the connection and says nothing is given up."""
    monkeypatch.setattr(health_store, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check = tracking(f"http://127.0.0.1:{silent.getsockname()[1]}")["server"]
    assert ("failure", True) == (check.state, "does not answer" in check.detail)
