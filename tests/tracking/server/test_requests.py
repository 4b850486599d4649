"""vreason_tracking.server.requests: what a request is about, and requests that two readers could read differently."""

from __future__ import annotations

import json
import time

import pytest

from vreason_tracking.server.requests import AmbiguousRequestError, parsed, subject_of

API = "/api/2.0/mlflow"


@pytest.mark.parametrize(
    ("path", "query", "body", "expected"),
    [
        (f"{API}/runs/log-batch", "", {"run_id": "r1", "metrics": []}, "run:r1"),
        (f"{API}/runs/log-batch", "", {"runId": "r1"}, "run:r1"),
        (f"{API}/runs/update", "", {"run_uuid": "r2"}, "run:r2"),
        (f"{API}/runs/create", "", {"experiment_id": "7"}, "experiment:7"),
        (f"{API}/runs/create", "", {"experiment_id": 7}, "experiment:7"),
        (f"{API}/experiments/create", "", {"name": "trial"}, "experiment:trial"),
        (f"{API}/registered-models/create", "", {"name": "shapes"}, "model:shapes"),
        (f"{API}/registered-models/alias", "", {"name": "shapes", "alias": "champion", "version": "3"}, "model:shapes/3"),
        (f"{API}/registered-models/alias", "name=shapes&alias=a", None, "model:shapes"),
        (f"{API}/upload-artifact", "run_uuid=r3&path=a.txt", None, "run:r3"),
        (f"{API}-artifacts/artifacts/1/r/artifacts/a b.txt", "", None, "artifact:1/r/artifacts/a b.txt"),
        (f"{API}-artifacts/mpu/complete/1/r/artifacts/a", "", None, "artifact:1/r/artifacts/a"),
        ("/v1/traces", "", None, "path:/v1/traces"),
        (f"{API}/anything", "", ["a"], f"path:{API}/anything"),
        (f"{API}/anything", "", {"run_id": ["a"], "experiment_id": True}, f"path:{API}/anything"),
    ],
)
def test_subjects(path, query, body, expected) -> None:
    """By the fields that MLflow's messages have, in both spellings, in body, address or path."""
    assert expected == subject_of(path, query, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"experiment_id": "1", "experimentId": "2"}',
        b'{"run_id": "1", "run_id": "2"}',
        b'{"a": [{"key": "x", "key": "y"}]}',
        json.dumps('{"run_id": "1", "runId": "2"}').encode(),
        json.dumps('{"run_id": "1", "run_id": "2"}').encode(),
    ],
)
def test_said_twice(body) -> None:
    """Both spellings of a field, or a name twice, also in JSON that was encoded twice, as MLflow takes it."""
    with pytest.raises(AmbiguousRequestError, match="send it once"):
        parsed(body)


@pytest.mark.parametrize(
    ("query", "body"),
    [("run_id=1&run_id=2", None), ("run_id=1&runId=2", None), ("run_id=1", {"run_id": "2"}), ("runId=1", {"run_id": 2})],
)
def test_two_values(query, body) -> None:
    """Of the address, or of address and body."""
    with pytest.raises(AmbiguousRequestError, match="two values"):
        subject_of(f"{API}/runs/delete", query, body)


def test_what_is_taken() -> None:
    """A user's own names deeper down, and lists in an address."""
    assert {"records": [{"userName": 1, "user_name": 2}]} == parsed(b'{"records": [{"userName": 1, "user_name": 2}]}')
    assert "run:1" == subject_of(f"{API}/runs/x", "run_id=1&path=a&path=b", {"run_id": "1"})


@pytest.mark.parametrize("body", [b"", b"  ", b"not JSON", b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_what_is_no_json(body) -> None:
    """It has no fields; MLflow says what is wrong with it."""
    assert parsed(body) is None


@pytest.mark.parametrize(
    ("path", "query", "body", "expected"),
    [
        (f"{API}/experiments/delete", "", {"experiment_id": "1", "run_id": "innocent"}, "experiment:1"),
        (f"{API}/experiments/restore", "run_id=innocent", {"experiment_id": "1"}, "experiment:1"),
        (f"{API}/users/delete", "", {"username": "mallory", "run_id": "innocent"}, "user:mallory"),
        (f"{API}/registered-models/delete", "version=3", {"name": "m"}, "model:m"),
        (f"{API}/registered-models/alias", "", {"name": "m", "version": "3"}, "model:m/3"),
        (f"{API}/model-versions/delete", "", {"name": "m", "version": "3"}, "model:m/3"),
        (f"{API}/runs/create", "", {"experiment_id": "1"}, "experiment:1"),
        (f"{API}-artifacts/artifacts/x/0/abc/artifacts/model.pkl", "", None, "artifact:x/0/abc/artifacts/model.pkl"),
        (f"{API}-artifacts/mpu/create/x/0/abc/model.pkl", "", None, "artifact:x/0/abc/model.pkl"),
        (f"{API}-artifacts/artifacts/0/abc/evil\n.txt", "run_id=innocent", None, "artifact:0/abc/evil\n.txt"),
        (f"{API}-artifacts/other/x", "run_id=innocent", None, f"path:{API}-artifacts/other/x"),
    ],
)
def test_a_field_that_a_route_ignores(path, query, body, expected) -> None:
    """The subject is what the route is about, whatever else somebody sends along."""
    assert expected == subject_of(path, query, body)


def test_a_name_twice_among_many() -> None:
    """It is found at once, however many there are: the server has others to answer."""
    body = "{" + ",".join(f'"k{number}":1' for number in range(40_000)) + ',"k39999":2}'
    began = time.perf_counter()
    with pytest.raises(AmbiguousRequestError, match="k39999"):
        parsed(body.encode())
    assert time.perf_counter() - began < 2
