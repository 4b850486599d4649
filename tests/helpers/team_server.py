"""A server with users, and what a small team has done on it: two runs, a comparison, signed checkpoints."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.helpers.tracking_server import TrackingServer
from vreason_migrations import upgrade
from vreason_tracking.audit import AuditDatabase, AuditLog, SigningKey, local_uri, make_key, public_path
from vreason_tracking.server import Tokens, Users, users_address

PASSWORDS = {"ada": "ada's long password", "bob": "bob's long password", "eve": "eve's long password"}
ROLES = {"ada": "admin", "bob": "editor", "eve": "viewer"}


@dataclass
class Team:
    """The server and its folder.

    Attributes:
        folder: where everything is.
        server: with Ada (admin), Bob (editor) and Eve (viewer).
        key: signs checkpoints of its audit trail.
    """

    folder: Path
    backend: str | None = None
    server: TrackingServer = field(init=False)
    key: SigningKey = field(init=False)

    def __post_init__(self) -> None:
        database = AuditDatabase(self.database)
        upgrade(database)
        database.close()
        users = Users(users_address(self.database))
        for name, role in ROLES.items():
            users.add(name, PASSWORDS[name], role)
        self.key = make_key(self.folder / "audit.key", "team")
        self.server = TrackingServer(self.folder, self.backend, audited=True, options=("--users",))
        self.server.environment["VREASON_AUDIT_PUBLIC_KEY"] = str(self.public_key)

    @property
    def database(self) -> str:
        """Of the audit trail."""
        return self.backend or local_uri(self.folder / "audit.db")

    @property
    def public_key(self) -> Path:
        """With which anybody verifies."""
        return public_path(self.folder / "audit.key")

    @property
    def address(self) -> str:
        """Without a user."""
        return f"http://127.0.0.1:{self.server.port}"

    def uri(self, user: str) -> str:
        """As a client of a user's has it."""
        return f"http://{user}:{quote(PASSWORDS[user])}@127.0.0.1:{self.server.port}"

    def token(self, user: str) -> str:
        """A personal token, good for a day."""
        return Tokens(AuditDatabase(self.database)).create(user, "test", "write", 1)

    def log(self) -> AuditLog:
        """The server's audit trail, read beside it."""
        return AuditLog(AuditDatabase(self.database))

    def get(self, path: str, user: str = "ada", **headers: str) -> bytes:
        """What the server answers to a GET."""
        told = base64.b64encode(f"{user}:{PASSWORDS[user]}".encode()).decode()
        request = urllib.request.Request(self.address + path, headers={"authorization": f"Basic {told}", **headers})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def program(self, *arguments: object, user: str = "bob", code: int = 0, **environment: str) -> str:
        """`vreason-track` as a user of the server calls it, in a process of its own: what it printed."""
        told = {"MLFLOW_TRACKING_URI": self.address, "MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": PASSWORDS[user]}
        command = [str(Path(sys.executable).with_name("vreason-track")), *map(str, arguments)]
        done: Any = subprocess.run(
            command, cwd=self.folder, env=os.environ | told | environment, capture_output=True, text=True, timeout=280
        )
        assert code == done.returncode, f"{command}\n{done.stdout}\n{done.stderr}"
        return str(done.stdout)
