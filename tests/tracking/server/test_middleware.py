"""vreason_tracking.server.middleware and appender: an intent before a change, an outcome after it, and no change that cannot be entered."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.helpers.disk import small_disk
from vreason.errors import TrackingError
from vreason_tracking.audit import AuditDatabase, AuditLog, Filter, NewEntry, local_uri, verify_log
from vreason_tracking.server.appender import Appender
from vreason_tracking.server.middleware import AuditMiddleware

PATH = "/api/2.0/mlflow/runs/update"
UPLOAD = "/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/x.bin"


@pytest.fixture
def log(tmp_path) -> AuditLog:
    database = AuditDatabase(local_uri(tmp_path / "audit.db"), pooled=True)
    database.create()
    return AuditLog(database)


@pytest.fixture
def done() -> list[bytes]:
    """Bodies that were carried out."""
    return []


@pytest.fixture
def client(log, done):
    with serving(log, done) as client:
        yield client


@contextmanager
def serving(log: AuditLog, done: list[bytes]) -> Iterator[TestClient]:
    """A client of an application behind the middleware."""

    async def change(request: Request) -> JSONResponse:
        body = await request.body()
        if body == b"fail":
            raise RuntimeError("out of luck")
        done.append(body)
        return JSONResponse({"ok": True}, status_code=404 if b"missing" in body else 200)

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    routes = [
        Route(PATH, change, methods=["POST", "GET"]),
        Route(UPLOAD, change, methods=["PUT"]),
        Route("/stream", stream, methods=["POST"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(AuditMiddleware, appender=Appender(log), identify=lambda scope: "ada")])
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def entries(client, log) -> list:
    """All entries, once the server has ended."""
    client.__exit__(None, None, None)
    return log.entries(Filter(action="mlflow.")) + log.entries(Filter(action="request.refused"))


def test_a_change(client, log, done) -> None:
    """Who, what, on what, the digest of the body, before and after; the body is not in it."""
    body = json.dumps({"run_id": "r1", "secret": "hunter2"}).encode()
    assert 200 == client.post(PATH, content=body).status_code
    intent, outcome = entries(client, log)
    assert ("mlflow.runs.update", "ada", "run:r1", "intent") == (intent.action, intent.actor, intent.subject, intent.outcome)
    assert ("done", 200, len(body)) == (outcome.outcome, outcome.details["status"], outcome.details["body_bytes"])
    assert hashlib.sha256(body).hexdigest() == intent.details["body_sha256"] == outcome.details["body_sha256"]
    assert intent.details["request"] == outcome.details["request"]
    assert [body] == done
    assert "hunter2" not in str([intent, outcome])


def test_what_comes_of_it(client, log) -> None:
    """An answer that says no, and a failure of the server, are outcomes."""
    assert 404 == client.post(PATH, content=b'"missing"').status_code
    assert 500 == client.post(PATH, content=b"fail").status_code
    assert ["intent", "refused 404", "intent", "failed: RuntimeError"] == [entry.outcome for entry in entries(client, log)]


def test_an_upload_is_hashed_as_it_passes(client, log, done) -> None:
    """Its digest is in the outcome, its bytes nowhere; the subject is the artifact."""
    content = bytes(range(256)) * 4096
    assert 200 == client.put(UPLOAD, content=iter([content[:1000], content[1000:]])).status_code
    intent, outcome = entries(client, log)
    assert ("artifact:1/r/artifacts/x.bin", hashlib.sha256(content).hexdigest()) == (intent.subject, outcome.details["body_sha256"])
    assert "body_sha256" not in intent.details
    assert [content] == done


def test_reading_is_not_entered(client, log) -> None:
    """A GET, also one with a body, leaves no entry."""
    assert 200 == client.request("GET", PATH, content=b'{"run_id": "r1"}').status_code
    assert [] == entries(client, log)


@pytest.mark.parametrize("body", ['{"run_id": "a", "runId": "b"}', '{"run_id": "a", "run_id": "b"}'])
def test_an_ambiguous_request_is_refused(client, log, done, body) -> None:
    """It is not carried out, and that it came is entered."""
    answer = client.post(PATH, content=body)
    assert (400, "INVALID_PARAMETER_VALUE") == (answer.status_code, answer.json()["error_code"])
    (refused,) = entries(client, log)
    assert ("request.refused", []) == (refused.action, done)


def test_a_body_that_is_too_large(client, log, done, monkeypatch) -> None:
    """It is refused with 413, and not carried out."""
    monkeypatch.setattr("vreason_tracking.server.middleware.LARGEST_JSON", 100)
    assert 413 == client.post(PATH, content=b"x" * 101).status_code
    assert (["request.refused"], []) == ([entry.action for entry in entries(client, log)], done)


def test_a_full_disk(tmp_path, done) -> None:
    """Nothing is carried out while the audit trail has no room; once there is some it goes on, and the log is whole."""
    with small_disk(tmp_path / "disk", lambda: tmp_path / "disk" / "audit.db") as disk:
        database = AuditDatabase(local_uri(disk.folder / "audit.db"), pooled=True)
        database.create()
        log = AuditLog(database)
        with serving(log, done) as client:
            assert 200 == client.post(PATH, content=b'{"run_id": "r1"}').status_code
            disk.fill()
            answers = [client.post(PATH, content=b'{"run_id": "r2"}') for _ in range(60)]
            refused = [answer for answer in answers if answer.status_code == 503]
            assert refused
            assert "cannot be entered" in refused[-1].json()["message"]
            assert len(answers) - len(refused) + 1 == len(done), "what was refused was not carried out"
            disk.make_room()
            assert 200 == client.post(PATH, content=b'{"run_id": "r3"}').status_code
        outcomes = [entry.outcome for entry in log.entries(Filter(action="mlflow."))]
        assert len(done) == outcomes.count("intent") == outcomes.count("done"), "what came of it was kept until there was room"
        assert verify_log(log, None).intact
        database.close()


def test_what_cannot_be_entered_is_not_carried_out(client, log, done, tmp_path) -> None:
    """The client is told to try again; once entries can be written, it goes on."""
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("CREATE TRIGGER none_more BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no more'); END")
    answer = client.post(PATH, content=b'{"run_id": "r1"}')
    assert (503, "1", []) == (answer.status_code, answer.headers["retry-after"], done)
    assert "cannot be entered into the audit trail" in answer.json()["message"]
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("DROP TRIGGER none_more")
    assert 200 == client.post(PATH, content=b'{"run_id": "r1"}').status_code
    assert 1 == len(done)


def test_a_streamed_answer(client, log) -> None:
    """It comes whole, and the outcome is entered after its end."""
    assert b"ab" == client.post("/stream").content
    assert ["intent", "done"] == [entry.outcome for entry in entries(client, log)]


def test_many_at_once(log) -> None:
    """Entries of many threads are all there, in whole transactions, and the futures have them."""
    appender = Appender(log)
    found: list[int] = []

    def work(number: int) -> None:
        futures = [appender.append(NewEntry("run.started", f"user-{number}", f"run:{each}")) for each in range(50)]
        found.extend(future.result(30).index for future in futures)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    appender.close()
    assert list(range(1, 401)) == sorted(found)
    assert verify_log(log, None).intact


def test_an_appender_that_fails(log, tmp_path) -> None:
    """Each that waits is told why; the next ones are tried anew."""
    appender = Appender(log)
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("CREATE TRIGGER none_more BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no more'); END")
    with pytest.raises(TrackingError, match="no more"):
        appender.append(NewEntry("run.started", "ada", "run:1")).result(30)
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("DROP TRIGGER none_more")
    assert 1 == appender.append(NewEntry("run.started", "ada", "run:1")).result(30).index
    appender.close()
