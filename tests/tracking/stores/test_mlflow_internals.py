"""vreason_tracking.stores.mlflow_internals: every private name of MLflow is there, takes what it took, and is used in this one file."""

from __future__ import annotations

import logging
import os
import re
import threading
from base64 import b64encode
from importlib import import_module
from pathlib import Path
from wsgiref.simple_server import make_server

import pytest
import sqlalchemy

from tests.helpers.ports import free_port
from tests.helpers.private_names import call_form, private_names
from tests.helpers.web_server import answering
from vreason_tracking.stores import mlflow_internals

ROOT = Path(__file__).parents[3]
HOME = Path(mlflow_internals.__file__)
SOURCES = sorted(
    path
    for folder in ("vreason", "tracking", "cli", "migrations", "perf")
    for ending in ("py", "pyi")
    for path in (ROOT / folder).rglob(f"*.{ending}")
)
PRIVATE = ("mlflow.store", "mlflow.utils")  # MLflow documents neither
FUNCTIONS = {
    "mlflow.store.db.utils._get_alembic_config": "db_url, alembic_dir=",
    "mlflow.store.db.utils._get_latest_schema_revision": "",
    "mlflow.store.db.utils._get_schema_version": "engine",
    "mlflow.tracking._tracking_service.utils._get_store": "store_uri=, artifact_uri=",
    "mlflow.tracking._tracking_service.utils._use_tracking_uri": "uri",
    "mlflow.utils.credentials.get_default_host_creds": "store_uri",
    "mlflow.utils.file_utils.local_file_uri_to_path": "uri",
    "mlflow.utils.rest_utils.http_request": (
        "host_creds, endpoint, method, max_retries=, backoff_factor=, backoff_jitter=, extra_headers=, retry_codes=, timeout=,"
        " raise_on_status=, respect_retry_after_header=, retry_timeout_seconds=, **kwargs"
    ),
    "mlflow.utils.uri.is_local_uri": "uri, is_tracking_or_registry_uri=",
}
"""Each function, and how it may be called in the version that it was checked against."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_there_and_takes_what_it_took(name) -> None:
    """The installed MLflow has each function that we use, with the parameters that it had."""
    module, _, function = name.rpartition(".")
    assert FUNCTIONS[name] == call_form(getattr(import_module(module), function))


def test_every_function_is_checked() -> None:
    """What the file uses is what is listed here."""
    assert sorted(FUNCTIONS) == private_names(HOME.read_text(encoding="utf-8"), "mlflow", PRIVATE)


def test_the_version() -> None:
    """The one that it was checked against is the one that is pinned, and every docstring that names a version names it."""
    assert f"mlflow=={mlflow_internals.CHECKED_WITH}" in (ROOT / "constraints.txt").read_text().splitlines()
    functions = [each for each in vars(mlflow_internals).values() if getattr(each, "__module__", "") == mlflow_internals.__name__]
    told = {each.__name__: re.findall(r"checked\s+with MLflow ([\d.]+\d)", each.__doc__ or "") for each in functions}
    assert {name: [] if name == "ServerAnswer" else [mlflow_internals.CHECKED_WITH] for name in told} == told


def test_no_other_file() -> None:
    """No other source file uses a name of MLflow's that is private."""
    found = {str(path.relative_to(ROOT)): private_names(path.read_text(encoding="utf-8"), "mlflow", PRIVATE) for path in SOURCES}
    assert [str(HOME.relative_to(ROOT))] == [path for path, names in found.items() if names], found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from mlflow.tracking._tracking_service.utils import _get_store", ["mlflow.tracking._tracking_service.utils._get_store"]),
        ("from mlflow.tracking._tracking_service.utils import get as found", ["mlflow.tracking._tracking_service.utils.get"]),
        ("from mlflow.tracking import _hidden, MlflowClient", ["mlflow.tracking._hidden"]),
        ("from mlflow import utils", ["mlflow.utils"]),
        ("import mlflow.store.db.utils as db", ["mlflow.store.db.utils"]),
        ("from mlflow.store.db import utils\ndef f():\n    utils._open()", ["mlflow.store.db.utils._open"]),
        ("import mlflow\nmlflow.tracking.fluent._last()", ["mlflow.tracking.fluent._last"]),
        ("import mlflow as flow\nflow.utils.uri.is_local_uri('x')", ["mlflow.utils.uri.is_local_uri"]),
        ("from mlflow import tracking\ntracking.client._x", ["mlflow.tracking.client._x"]),
        ("def f():\n    from mlflow.utils.uri import is_local_uri", ["mlflow.utils.uri.is_local_uri"]),
        ("logging.getLogger('mlflow.store.db.utils')", ["mlflow.store.db.utils"]),
        ("import mlflow\nmlflow.__version__", []),
        ("from mlflow.entities import Metric\nfrom mlflow import MlflowClient\nMlflowClient().log_batch", []),
        ("TAG = 'mlflow.parentRunId'\ntext = 'mlflow.store is not ours, nor is _this'", []),
        ("from ours import _mlflow\nself._mlflow.utils", []),
    ],
)
def test_what_is_private(source, expected) -> None:
    """However it is written: in an import, as an attribute of what was imported, or as a text that names a module."""
    assert expected == private_names(source, "mlflow", PRIVATE)


def test_an_empty_database(tmp_path) -> None:
    """It has no revision; opened, it has the one that MLflow needs, which is among those that it knows."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/new.db", poolclass=sqlalchemy.NullPool)
    assert mlflow_internals.schema_revision(engine) is None
    mlflow_internals.open_database(f"sqlite:///{tmp_path}/new.db")
    assert mlflow_internals.latest_schema_revision() == mlflow_internals.schema_revision(engine)
    known = mlflow_internals.known_schema_revisions()
    assert (True, True) == (mlflow_internals.latest_schema_revision() in known, len(known) > 20)


def test_a_database_of_another_version(tracking_uri) -> None:
    """Its revision is told as it is, and MLflow does not open it."""
    engine = sqlalchemy.create_engine(tracking_uri, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'feedfacecafe'")
    assert "feedfacecafe" == mlflow_internals.schema_revision(engine)
    with pytest.raises(Exception, match="feedfacecafe"):
        mlflow_internals.open_database(tracking_uri)


@pytest.mark.parametrize("status", [200, 401, 404, 500, 503])
def test_a_server_that_answers(status, monkeypatch) -> None:
    """Whatever the status, the answer is told, after one question."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "7")
    with answering(status, "3.17.2 ü", {"Content-Type": "text/plain; charset=utf-8"}) as (address, requested):
        assert (status, "3.17.2 ü") == mlflow_internals.ask_server(address, "/version", 5)
        assert ["/version"] == requested


def test_the_credentials_of_the_environment(monkeypatch) -> None:
    """User and password go with the question, as with those of a run."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cret")
    told = []

    def application(environ, start_response):
        told.append(environ.get("HTTP_AUTHORIZATION"))
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with make_server("127.0.0.1", 0, application) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        mlflow_internals.ask_server(f"http://127.0.0.1:{server.server_port}", "/health", 5)
        thread.join()
    assert [f"Basic {b64encode(b'me:s3cret').decode()}"] == told


def test_a_server_that_is_not_there() -> None:
    """It is an error at once."""
    with pytest.raises(Exception, match="failed with exception"):
        mlflow_internals.ask_server(f"http://127.0.0.1:{free_port()}", "/health", 5)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/data/mlruns/1/a/artifacts/x.parquet", "/data/mlruns/1/a/artifacts/x.parquet"),
        ("./mlruns/x.parquet", "mlruns/x.parquet"),
        ("file:///data/with%20blank/x.parquet", "/data/with blank/x.parquet"),
        ("mlflow-artifacts:/1/a/artifacts/x.parquet", None),
        ("http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts/x.parquet", None),
        ("s3://bucket/x.parquet", None),
    ],
)
def test_where_an_artifact_lies(uri, path) -> None:
    """A path and a file: URI are files of this machine."""
    assert (None if path is None else Path(path)) == mlflow_internals.local_artifact_path(uri)


def test_the_database_log(caplog) -> None:
    """The logger is the one that MLflow writes tracebacks to; silenced, it says nothing."""
    from mlflow.store.db import utils

    logger = logging.getLogger("mlflow.store.db.utils")
    assert logger is utils._logger
    before = logger.level
    try:
        logger.setLevel(logging.INFO)
        mlflow_internals.silence_database_log()
        utils._logger.exception("a traceback")
        assert logging.CRITICAL == logger.level
    finally:
        logger.setLevel(before)
    assert "a traceback" not in caplog.text


@pytest.mark.parametrize("named", [None, "sqlite:///named.db"])
def test_the_default_store_is_what_it_was(named: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the block MLflow asks the store; after it, whatever the user has named, also after an exception."""
    import mlflow

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if named:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    before = mlflow.get_tracking_uri()
    within = ""

    def fail() -> None:
        nonlocal within
        with mlflow_internals.as_default_store("sqlite:///other.db"):
            within = mlflow.get_tracking_uri()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "sqlite:///other.db" == within
    assert (before, named) == (mlflow.get_tracking_uri(), os.environ.get("MLFLOW_TRACKING_URI"))
