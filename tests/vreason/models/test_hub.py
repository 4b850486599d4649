"""vreason.models.hub: the hub is asked once, and not for long."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable

import pytest
from werkzeug.wrappers import Request, Response

from tests.helpers.web_server import serving
from vreason.errors import UnsupportedModelError
from vreason.models import hub
from vreason.models.found_model import find_model
from vreason.models.hub import hub_fault
from vreason.models.loading import load_model
from vreason.models.spec import ModelSpec


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the hub looked for at this address."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return lambda address: monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)


def answer(request: Request) -> Response:
    """A hub with one repository of one revision, which answers as the real one does."""
    model, _, revision = request.path.removeprefix("/api/models/").partition("/revision/")
    if model == "busy/now":
        return Response("{}", 503)
    if model != "somebody/model":
        return Response("{}", 404, {"X-Error-Code": "RepoNotFound"})
    if revision not in ("", "v1"):
        return Response("{}", 404, {"X-Error-Code": "RevisionNotFound"})
    return Response(json.dumps({"id": model, "sha": "0" * 40, "siblings": []}), 200, {"Content-Type": "application/json"})


def test_what_it_answers(endpoint) -> None:
    """A repository that is there, another, another revision, a name that none can have; a hub that is busy is there."""
    with serving(answer) as address:
        endpoint(address)
        assert hub_fault("somebody/model", None) is None
        assert hub_fault("somebody/model", "v1") is None
        with pytest.raises(UnsupportedModelError, match=r"model.revision 'v2': the hub has 'somebody/model', but not this revision"):
            hub_fault("somebody/model", "v2")
        with pytest.raises(UnsupportedModelError, match=r"'nobody/model': the hub has no such repository, or not for you"):
            hub_fault("nobody/model", None)
        with pytest.raises(UnsupportedModelError, match="no folder here, and no name that the hub could have"):
            hub_fault("no such name", None)
        assert hub_fault("busy/now", None) is None


def test_nobody_listens(endpoint) -> None:
    """A machine without a network, or a hub that refuses: the reason at once, and an error that names cache and way out within seconds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint(f"http://127.0.0.1:{server.getsockname()[1]}")
    began = time.monotonic()
    assert "refused" in (hub_fault("somebody/model", None) or "")
    with pytest.raises(UnsupportedModelError, match=r"the hub does not answer .*refused.* the cache .* does not have all of it") as raised:
        load_model(ModelSpec(id="somebody/model", device="cpu"))
    assert "HTTPS_PROXY and HF_ENDPOINT, or name the folder of a copy in model.id" in str(raised.value)
    assert time.monotonic() - began < 5


def test_nobody_answers(endpoint, monkeypatch) -> None:
    """A network that swallows what is sent: it is waited for so long and no longer."""
    monkeypatch.setattr(hub, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint(f"http://127.0.0.1:{server.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(UnsupportedModelError, match="the hub does not answer"):
            find_model(ModelSpec(id="somebody/model", device="cpu"))
        assert time.monotonic() - began < 3


def test_a_name_that_is_looked_up_for_ever(endpoint, monkeypatch) -> None:
    """The operating system's own patience with a name server does not count."""
    monkeypatch.setattr(hub, "SECONDS", 0.3)
    endpoint("http://hub.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    began = time.monotonic()
    assert "no answer within 0.3 s" == hub_fault("somebody/model", None)
    assert time.monotonic() - began < 3
