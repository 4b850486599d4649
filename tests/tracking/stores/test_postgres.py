"""vreason_tracking.stores.postgres: an MLflow database in PostgreSQL made ready. The server is a real one."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores import postgres as part
from vreason_tracking.stores.mlflow_store import MlflowStore, open_store
from vreason_tracking.stores.postgres import diagnosis, engine, is_postgres, may_write, prepare

DEAD = "postgresql+psycopg://me:s3cret@127.0.0.1:1/db"
slow = pytest.mark.slow


@pytest.fixture
def empty(postgres):
    """The name of a database in which nothing was ever made."""
    name = postgres.create()
    yield name
    postgres.drop(name)


@pytest.fixture
def role(postgres):
    """A user who owns nothing; makes addresses for it."""
    name = f"role_{time.monotonic_ns()}"
    postgres.execute("CREATE ROLE {} LOGIN PASSWORD 'p/w'", name)
    yield name
    postgres.execute("DROP ROLE {}", name)


def tables(postgres, database) -> set[str]:
    return {name for (name,) in postgres.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=database)}


def revision(postgres, database) -> str:
    ((found,),) = postgres.execute("SELECT version_num FROM alembic_version", database=database)
    return str(found)


def refused(uri) -> str:
    """What `prepare` says of an address that it refuses for good."""
    with pytest.raises(TrackingError) as caught:
        prepare(uri)
    assert TrackingError is type(caught.value)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql+psycopg://h/db", True),
        ("postgresql+psycopg2://h/db", True),
        ("postgres://h:port/db", True),
        ("sqlite:///postgresql://x", False),
        ("http://postgresql", False),
        ("postgresqlish://h", False),
    ],
)
def test_is_postgres(uri, expected) -> None:
    """By the scheme, also where the rest of the address is wrong."""
    assert expected == is_postgres(uri)


@slow
def test_an_empty_database(postgres, empty) -> None:
    """It gets MLflow's tables at MLflow's revision, and its first experiment; a second time changes nothing, and other tables stay."""
    from mlflow import MlflowClient
    from mlflow.store.db.utils import _get_latest_schema_revision

    postgres.execute("CREATE TABLE recipes (name TEXT)", database=empty)
    for _ in range(2):
        prepare(postgres.uri(empty))
        assert {"experiments", "runs", "metrics", "params", "tags", "recipes"} <= tables(postgres, empty)
        assert _get_latest_schema_revision() == revision(postgres, empty)
    assert ["Default"] == [experiment.name for experiment in MlflowClient(postgres.uri(empty)).search_experiments()]


@slow
def test_whoever_is_first_is_waited_for(postgres, postgres_uri) -> None:
    """While another process holds the lock nothing is touched; when that one is done, or dead, it goes on."""
    other = engine(postgres_uri).connect()
    other.exec_driver_sql(f"SELECT pg_advisory_xact_lock({part._LOCK})")
    waiting = threading.Thread(target=prepare, args=(postgres_uri,))
    waiting.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
    while postgres.execute(waits, database=make_url(postgres_uri).database) == [(0,)]:
        assert waiting.is_alive()
    other.close()
    waiting.join(60)
    assert not waiting.is_alive()


@slow
def test_whoever_is_first_and_never_done(postgres_uri, monkeypatch) -> None:
    """It is not waited for without end, and the caller may come again."""
    monkeypatch.setattr(part, "_LONGEST_MIGRATION", 0.1)
    with engine(postgres_uri).connect() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_xact_lock({part._LOCK})")
        with pytest.raises(TrackingUnavailableError, match="another process has been creating its tables"):
            prepare(postgres_uri)


MIGRATION = "import sys; from vreason_tracking.stores.postgres import prepare; prepare(sys.argv[1])"
BARE = "import sys; from mlflow.tracking._tracking_service.utils import _get_store as open; open(sys.argv[1])"


@slow
def test_a_migration_that_is_killed(postgres, empty) -> None:
    """SIGKILL in the middle: the lock is free again, the next one finishes the tables."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    process = subprocess.Popen([sys.executable, "-c", MIGRATION, postgres.uri(empty)], stderr=subprocess.DEVNULL)
    while "experiments" not in tables(postgres, empty):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "alembic_version" not in tables(postgres, empty)
    prepare(postgres.uri(empty))
    assert _get_latest_schema_revision() == revision(postgres, empty)


@slow
def test_a_server_of_mlflows_that_starts_at_once(postgres, empty) -> None:
    """It knows nothing of our lock; where it is faster, ours looks again and finds the tables."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    bare = subprocess.Popen([sys.executable, "-c", BARE, postgres.uri(empty)], stderr=subprocess.DEVNULL)
    while "experiments" not in tables(postgres, empty):
        assert bare.poll() is None
    prepare(postgres.uri(empty))
    assert 0 == bare.wait(60)
    assert _get_latest_schema_revision() == revision(postgres, empty)


@slow
def test_the_tables_of_an_older_mlflow(postgres, postgres_uri) -> None:
    """They are not migrated unasked, which would shut out whoever still runs that version: the message names the command."""
    database = make_url(postgres_uri).database
    postgres.execute("UPDATE alembic_version SET version_num = 'bd07f7e963c5'", database=database)
    postgres.execute("DROP TABLE trace_info CASCADE", database=database)  # MLflow takes a missing table for leave to migrate
    message = refused(postgres_uri)
    assert re.search(r"revision bd07f7e963c5, and MLflow \S+ needs \w+; ", message)
    assert "`mlflow db upgrade postgresql+psycopg://vreason:***@" in message
    assert "bd07f7e963c5" == revision(postgres, database)


@slow
def test_a_server_that_is_full(postgres, postgres_uri, role) -> None:
    """Too many connections: the caller may come again."""
    postgres.execute("ALTER ROLE {} CONNECTION LIMIT 0", role)
    with pytest.raises(TrackingUnavailableError, match="too many connections"):
        prepare(as_role(postgres_uri, role))


def as_role(uri, role, password="p/w") -> str:
    return str(make_url(uri).set(username=role, password=password).render_as_string(hide_password=False))


@slow
def test_who_may_not(postgres, postgres_uri, empty, role) -> None:
    """A wrong password, a database that is not there, and permissions that miss: each is told with what to do, and without the password."""
    wrong = as_role(postgres_uri, role, "s3cret")
    assert re.search(r"authentication failed.*; check user and password", refused(wrong))
    nowhere = make_url(postgres_uri).set(database="nowhere").render_as_string(hide_password=False)
    assert re.search(r'database "nowhere" does not exist; create it with `createdb`', refused(nowhere))
    assert re.search(r"permission denied for schema public; .*GRANT CREATE ON SCHEMA public", refused(as_role(postgres.uri(empty), role)))
    assert re.search(r"permission denied for table .*; .*grant this user", refused(as_role(postgres_uri, role)))


@slow
def test_who_may_only_read(postgres, postgres_uri, role) -> None:
    """A user with SELECT alone reads what others have recorded, and is known not to write."""
    MlflowStore(postgres_uri, "trial")
    postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", role, database=make_url(postgres_uri).database)
    reader = as_role(postgres_uri, role)
    assert open_store(reader, "trial").experiment_id == open_store(postgres_uri, "trial").experiment_id
    assert [True, False] == [_may_write(uri) for uri in (postgres_uri, reader)]
    postgres.execute("DROP OWNED BY {}", role, database=make_url(postgres_uri).database)


def _may_write(uri) -> bool:
    with engine(uri).connect() as connection:
        return may_write(connection)


@slow
def test_may_write_in_an_empty_database(postgres, empty, role) -> None:
    """Who may create tables there; nobody where everything is read only, as on a standby."""
    uri = postgres.uri(empty)
    assert [True, False] == [_may_write(each) for each in (uri, as_role(uri, role))]
    postgres.execute("ALTER DATABASE {} SET default_transaction_read_only = on", empty)
    assert not _may_write(uri)


def test_a_server_that_is_not_there() -> None:
    """At once, not after MLflow's 100 s of retries; the caller may come again."""
    began = time.monotonic()
    with pytest.raises(TrackingUnavailableError, match=r"^postgresql\+psycopg://me:\*\*\*@.*does not answer.*start it, or check host"):
        prepare(DEAD)
    assert time.monotonic() - began < 30


@slow
@pytest.mark.parametrize("told", ["by the address", "by nobody"])
def test_a_server_that_says_nothing(told, monkeypatch) -> None:
    """A host that swallows packets is given up after the seconds that the address gives it, else after ours; psycopg's are 130."""
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = DEAD.replace(":1/", f":{silent.getsockname()[1]}/")
        patient = engine(
            f"{uri}?connect_timeout=2" if told == "by the address" else uri, connect_timeout=100 if told == "by the address" else 2
        )
        began = time.monotonic()
        with pytest.raises(OperationalError, match="timeout expired") as caught:
            patient.connect()
    assert time.monotonic() - began < 30
    assert "the PostgreSQL server does not answer" in diagnosis(caught.value)[0]


def test_psycopg_that_is_not_installed(monkeypatch) -> None:
    """The message gives the command that installs it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert refused(DEAD).endswith("PostgreSQL needs psycopg; `pip install 'vreason-track[postgres]'`")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("postgresql+psycopg://me:s3cret@h:port/db", "is no address of a database; write postgresql"),
        ("postgresql+psycopg://me:s3cret@127.0.0.1:99999/db", "invalid port"),
        ("postgresql+psycopg://me:s3cret@127.0.0.1/db?nosuch=1", "nosuch"),
        ("postgresql+nosuch://me:s3cret@h/db", "is no address of a database"),
        ("postgresql+psycopg2://me:s3cret@h/db", "needs the driver psycopg2; install it, or write postgresql+psycopg://"),
    ],
)
def test_addresses_that_are_none(uri, words) -> None:
    """They are told with what is wrong, and nothing is waited for."""
    assert words in refused(uri)


@slow
def test_a_server_that_is_none() -> None:
    """Something else that listens there."""
    with socket.create_server(("127.0.0.1", 0)) as web:

        def answer() -> None:
            caller, _ = web.accept()
            caller.recv(100)
            caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            caller.close()

        thread = threading.Thread(target=answer)
        thread.start()
        assert "invalid response" in refused(DEAD.replace(":1/", f":{web.getsockname()[1]}/"))
        thread.join()
