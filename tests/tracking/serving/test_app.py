"""The routes without a network: health as the workers are, readiness, and counts under names that a client cannot choose."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from vreason_tracking.serving import Service, ServingLimits, make_app
from vreason_tracking.serving.metrics import ServingMetrics
from vreason_tracking.serving.tokens import Tokens


def service(failed: list[str], ready: bool = True) -> Service:
    """One whose models are in a state that a test chooses."""
    models: Any = SimpleNamespace(failed=failed, ready=ready, by_name={})
    return Service(models, ServingLimits(), Tokens(), ServingMetrics())


def get(made: Service, path: str) -> tuple[int, bytes]:
    """Ask the application for a page."""
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        """The whole request, and then nothing more: the client stays."""
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [(b"host", b"x")], "server": ("x", 80)}
    asyncio.run(make_app(made)(scope, receive, send))  # type: ignore[arg-type]
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize(("failed", "status"), [([], 200), (["shapes@champion"], 503)])
@pytest.mark.parametrize("path", ["/health", "/ping"])
def test_health(path: str, failed: list[str], status: int) -> None:
    """Unhealthy once a worker has died, and it says whose."""
    found, body = get(service(failed), path)
    assert (status, failed) == (found, json.loads(body)["failed"])


def test_ready() -> None:
    """Only while models are loaded and the server is not draining."""
    draining = service([])
    draining.draining = True
    assert [200, 503, 503] == [get(each, "/ready")[0] for each in (service([]), service([], ready=False), draining)]


def test_paths_that_are_not_there_are_counted_together() -> None:
    """A client cannot fill memory with names."""
    made = service([])
    for number in range(20):
        get(made, f"/nowhere/{number}")
    counted = [line for line in get(made, "/metrics")[1].decode().splitlines() if line.startswith("vreason_requests_total")]
    assert ['vreason_requests_total{endpoint="other",status="404"} 20.0'] == counted


def test_the_page_needs_no_network() -> None:
    """Its script and style come from the server itself."""
    made = service([])
    page = get(made, "/docs")[1].decode()
    assert "https://" not in page.replace("https://fastapi.tiangolo.com", "")
    assert 200 == get(made, "/static-offline-docs/swagger-ui-bundle.js")[0]
