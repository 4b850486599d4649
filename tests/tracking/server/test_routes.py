"""vreason_tracking.server.routes: MLflow's real routing table, walked: no route that changes something goes unaudited."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from vreason_tracking.audit.actions import is_action
from vreason_tracking.server.routes import READING_POSTS, SAFE_METHODS, action_of, carries_secret, is_audited

WALK = r"""
import json, re
from mlflow.server import app as flask_app
from mlflow.server.fastapi_app import create_fastapi_app
found = [[method, rule.rule, rule.endpoint] for rule in flask_app.url_map.iter_rules() for method in rule.methods]
def walk(routes):
    for route in routes:
        inner = getattr(route, "original_router", route)
        if getattr(route, "methods", None):
            found.extend([method, route.path, route.name] for method in route.methods)
        elif getattr(inner, "routes", None):
            walk(inner.routes)
walk(create_fastapi_app().routes)
print(json.dumps(found))
"""
READS = re.compile(
    r"_?(deprecated_)?(serve_)?(batch_)?(get|list|search|find|health|version|static|serve|download|not_implemented|graphql|read|proxy|gateway)",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def routes(tmp_path_factory) -> list[tuple[str, str, str]]:
    """Method, path and function of every route of the installed MLflow."""
    folder = tmp_path_factory.mktemp("routes")
    done = subprocess.run([sys.executable, "-c", WALK], capture_output=True, text=True, cwd=folder, timeout=120)
    assert 0 == done.returncode, done.stderr
    return [tuple(each) for each in json.loads(done.stdout.splitlines()[-1])]


def filled(path: str) -> str:
    """A path of the route, its parts filled in."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "0123456789abcdef0123456789abcdef", path)


def test_the_table_is_walked(routes) -> None:
    """REST, the pages' own API, artifacts and the native routes are in it."""
    paths = {path for _, path, _ in routes}
    for beginning in (
        "/api/2.0/mlflow/runs/create",
        "/ajax-api/2.0/mlflow/runs/create",
        "/api/2.0/mlflow-artifacts/artifacts",
        "/v1/traces",
        "/gateway/",
    ):
        assert any(path.startswith(beginning) for path in paths), beginning
    assert len(routes) > 400


def test_no_changing_route_is_unaudited(routes) -> None:
    """Every route that is not asked by GET, HEAD or OPTIONS has an audited action, but for those that are known to read."""
    holes = []
    for method, path, _ in routes:
        if method in SAFE_METHODS:
            continue
        if not is_audited(method, filled(path)):
            below = re.sub(r"^/(ajax-)?api/\d\.\d", "", path)
            holes += [] if below in READING_POSTS else [(method, path)]
        elif not is_action(action_of(method, filled(path))):
            holes.append((method, path))
    assert [] == holes


def test_reading_routes_are_there(routes) -> None:
    """Each route that is let through unaudited exists, and is called as a route that reads."""
    below = {re.sub(r"^/(ajax-)?api/\d\.\d", "", path): name for method, path, name in routes if method == "POST"}
    assert set() == READING_POSTS - below.keys()
    names = {path: below[path] for path in READING_POSTS}
    assert [] == [name for name in names.values() if not re.search(r"search|get|graphql|telemetry|calculate|query", name, re.IGNORECASE)], (
        names
    )


def test_what_is_asked_by_get_reads(routes) -> None:
    """A function that is asked by GET is called as one that reads: one that changes something would be a hole."""
    names = {(name, path) for method, path, name in routes if method in {"GET", "HEAD"}}
    odd = sorted({name for name, _ in names if not READS.match(name)})
    assert KNOWN_READERS == odd


KNOWN_READERS = ["provider_health_check", "stream_response"]
"""Functions that are asked by GET and are called otherwise, MLflow's assistant's. They change nothing of the record themselves."""


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/api/2.0/mlflow/runs/log-batch", "mlflow.runs.log-batch"),
        ("POST", "/ajax-api/2.0/mlflow/runs/delete", "mlflow.runs.delete"),
        ("PATCH", "/api/2.0/mlflow/registered-models/update", "mlflow.registered-models.update.patch"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts/x.txt", "mlflow.artifacts.put"),
        ("POST", "/api/2.0/mlflow-artifacts/mpu/create/1/x", "mlflow.artifacts.mpu.post"),
        ("DELETE", "/api/3.0/mlflow/traces/tr-0123456789abcdef01/tags", "mlflow.traces.tags.delete"),
        ("POST", "/v1/traces", "mlflow.v1.traces"),
        ("POST", "/", "mlflow.root"),
        ("POST", "//api/2.0/mlflow/runs/search", "mlflow.mlflow.runs.search"),
    ],
)
def test_names(method, path, expected) -> None:
    """What requests are called; an unusual path is audited all the same."""
    assert (True, expected) == (is_audited(method, path), action_of(method, path))
    assert is_action(expected)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_methods(method) -> None:
    """They change nothing."""
    assert not is_audited(method, "/api/2.0/mlflow/runs/get")


def test_searches() -> None:
    """A search is asked by POST and reads; by another method, or under another path, it would be audited."""
    assert not is_audited("POST", "/api/2.0/mlflow/runs/search")
    assert not is_audited("POST", "/ajax-api/3.0/mlflow/traces/search")
    assert is_audited("DELETE", "/api/2.0/mlflow/runs/search")
    assert is_audited("POST", "/api/2.0/mlflow/runs/search/")
    assert is_audited("POST", "/x/api/2.0/mlflow/runs/search")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/2.0/mlflow/users/create", True),
        ("/ajax-api/2.0/mlflow/users/update-password", True),
        ("/api/3.0/mlflow/gateway/secrets/create", True),
        ("/api/2.0/mlflow/webhooks", True),
        ("/signup", True),
        ("/api/2.0/mlflow-artifacts/artifacts/0/abc/artifacts/users/model.pkl", False),
        ("/api/2.0/mlflow/runs/log-batch", False),
        ("/api/2.0/mlflow/runs/users", False),
    ],
)
def test_what_may_carry_a_secret(path, expected) -> None:
    """Bodies of users, keys and webhooks are not digested; no file's name makes its own go without."""
    assert expected is carries_secret(path)
