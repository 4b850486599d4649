"""vreason_tracking.stores.store_errors over HTTP: MLflow's own server, servers that are not there, and those that are something else."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

from tests.helpers.postgres import PostgresServer
from tests.helpers.raised import error_of
from tests.helpers.tracking_server import TrackingServer
from tests.helpers.web_server import answering
from vreason.errors import TrackingUnavailableError
from vreason_tracking.stores.mlflow_store import MlflowStore
from vreason_tracking.stores.store_errors import is_unavailable, reason_of, short_http_timeouts


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls as the delivery worker makes them."""
    for name, value in (("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"), ("MLFLOW_HTTP_REQUEST_TIMEOUT", "10"), ("PGCONNECT_TIMEOUT", "10")):
        monkeypatch.setenv(name, value)


def test_a_port_where_nobody_listens() -> None:
    """A server that is unavailable may come back."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        client = MlflowClient(f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert is_unavailable(error_of(client.search_experiments))


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that timed out may pass."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = MlflowClient(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert is_unavailable(error_of(client.search_experiments))


def test_a_server_that_hangs_up() -> None:
    """A connection that was cut in the middle of an answer may pass."""
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def answer() -> None:
            caller, _ = rude.accept()
            caller.recv(1 << 16)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            caller.close()

        thread = threading.Thread(target=answer)
        thread.start()
        error = error_of(MlflowClient(f"http://127.0.0.1:{rude.getsockname()[1]}").search_experiments)
        thread.join()
    assert is_unavailable(error)


def test_an_address_that_is_none() -> None:
    """There is nothing to wait for."""
    assert not is_unavailable(error_of(MlflowClient("http://127.0.0.1:99999").search_experiments))


@pytest.mark.parametrize("body", ['{"error_code": "INTERNAL_ERROR", "message": "x"}', "<html>a proxy's page</html>"], ids=["json", "html"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, False), (401, False), (403, False), (413, False), (429, True), (500, True), (501, False), (502, True), (503, True), (504, True)],
)
def test_answers(status: int, expected: bool, body: str, tmp_path: Path) -> None:
    """A server or proxy that is overloaded or broken may recover; one that refuses does not. The same for a file sent to it."""
    (tmp_path / "a.txt").write_text("a")
    if body.startswith("{"):
        codes = {400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 413: "BAD_REQUEST", 501: "NOT_IMPLEMENTED"}
        body = body.replace("INTERNAL_ERROR", codes.get(status, "INTERNAL_ERROR"))
    with answering(status, body) as (uri, _):
        assert expected == is_unavailable(error_of(MlflowClient(uri).search_experiments))
        assert expected == is_unavailable(error_of(lambda: HttpArtifactRepository(f"{uri}/kept").log_artifact(str(tmp_path / "a.txt"))))


def test_a_certificate_that_nobody_signed() -> None:
    """Waiting does not make it trusted."""
    with answering(200, "{}", secure="adhoc") as (uri, _):
        error = error_of(MlflowClient(uri).search_experiments)
    assert "certificate" in reason_of(error).lower()
    assert not is_unavailable(error)


def test_a_plain_server_behind_https() -> None:
    """TLS that breaks off may be a server that is just starting."""
    with answering(200, "{}") as (uri, _):
        assert is_unavailable(error_of(MlflowClient(uri.replace("http:", "https:")).search_experiments))


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    """A PostgreSQL that may be stopped."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def server(database: PostgresServer, tmp_path: Path) -> Iterator[TrackingServer]:
    made = TrackingServer(tmp_path, database.databases.uri(database.databases.create()))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.mark.slow
def test_mlflows_server(server: TrackingServer, database: PostgresServer) -> None:
    """What it refuses is refused for good; while its database is unavailable, or itself, a call may pass, and afterwards does."""
    store = MlflowStore(server.uri, "trial")
    run = store.start_run("a", {})
    store.log(run, params={"seed": 7})
    nobody = "0123456789abcdef0123456789abcdef"
    refused = {
        "no such run": lambda: store.log(nobody, [("entropy", 0.5, 1, 0)]),
        "no such page": lambda: store.client.get_run(f"{nobody}/../nowhere"),
        "a parameter that has a value": lambda: store.client.log_param(run, "seed", "8"),
        "a name that MLflow does not take": lambda: store.client.log_metric(run, "a\nb", 0.5),
    }
    assert dict.fromkeys(refused, False) == {name: is_unavailable(error_of(call)) for name, call in refused.items()}
    database.stop()
    assert is_unavailable(error_of(lambda: store.log(run, [("entropy", 0.5, 1, 0)])))
    database.start()
    store.log(run, [("entropy", 0.5, 1, 0)])
    server.stop()
    assert is_unavailable(error_of(lambda: store.log(run, [("entropy", 0.25, 2, 1)])))
    server.start()
    store.log(run, [("entropy", 0.25, 2, 1)])
    assert [(0, 0.5), (1, 0.25)] == sorted((point.step, point.value) for point in store.client.get_metric_history(run, "entropy"))


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of retries, before and after."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT", "PGCONNECT_TIMEOUT"):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("untold")
def test_one_try(tmp_path: Path) -> None:
    """An impatient store asks once and does not wait as long as the server would like."""
    with answering(503, "busy", {"Retry-After": "60"}) as (uri, asked):
        began = time.monotonic()
        with pytest.raises(TrackingUnavailableError):
            MlflowStore(uri, "trial", patient=False)
        assert (1, True) == (len(asked), time.monotonic() - began < 20)


@pytest.mark.usefixtures("untold")
def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user says of retries counts; the rest is short."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    short_http_timeouts()
    assert ("3", "10", "10") == tuple(
        os.environ[name] for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT", "PGCONNECT_TIMEOUT")
    )
