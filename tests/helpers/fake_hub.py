"""The part of the Hugging Face Hub that an upload talks to: repositories are made, and commits taken apart into their files."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from werkzeug.wrappers import Request, Response

from tests.helpers.web_server import serving

TOKEN = "hf_" + "a" * 34


@dataclass
class FakeHub:
    """What it was sent.

    Attributes:
        address: of the server.
        repositories: whether each is private.
        files: of the last commit of each repository, by path.
        refuses: HTTP status with which a commit is refused; None takes it.
    """

    address: str = ""
    repositories: dict[str, bool] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refuses: int | None = None

    def answer(self, request: Request) -> Response:
        """Answer as the Hub does."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _json({"error": "Invalid username or password."}, 401)
        path = request.path
        if path == "/api/repos/create":
            told = request.get_json()
            name = f"{told['organization']}/{told['name']}" if told.get("organization") else told["name"]
            self.repositories[name] = told.get("private", False) or told.get("visibility") == "private"
            return _json({"url": f"{self.address}/{name}", "name": name, "id": name})
        if path == "/api/validate-yaml":
            return _json({"errors": [], "warnings": []})
        name = "/".join(path.split("/")[3:5])
        if "/preupload/" in path:
            return _json(
                {"files": [{"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in request.get_json()["files"]]}
            )
        if "/commit/" in path and self.refuses is None:
            lines = [json.loads(line) for line in request.get_data().splitlines()]
            self.files[name] = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
            }
            return _json({"success": True, "commitOid": "c" * 40, "commitUrl": f"{self.address}/{name}/commit/{'c' * 40}"})
        return _json({"error": "not now"}, self.refuses or 404)


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


@contextmanager
def running() -> Iterator[FakeHub]:
    """A hub on this machine."""
    hub = FakeHub()
    with serving(hub.answer) as address:
        hub.address = address
        yield hub
