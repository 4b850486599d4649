"""docker-compose.yml without an engine: its services as plain processes, with the same commands, environment and order of start.

What an engine would give is put in its place: names of services become 127.0.0.1, /srv and /run/secrets folders, the image's entry scripts
those of this tree. Users, networks, limits and read-only file systems are the engine's own, and are not tried.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.helpers.ports import wait_until

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read(variables: Mapping[str, str] = {}) -> Any:
    """The file, with variables put in as an engine does it."""
    text = _VARIABLE.sub(lambda found: variables.get(found[1]) or found[2] or "", FILE.read_text())
    return yaml.safe_load(text)


@dataclass
class Stack:
    """The services of a file, as processes of this machine.

    Attributes:
        folder: takes the place of /srv, and of /run/secrets in `secrets`.
        file: the file's content.
        replaced: for each variable that a service is given, what it is given here: an address that only an engine has.
        programs: folders with programs, before all others.
    """

    folder: Path
    file: Any
    replaced: Mapping[str, str]
    programs: list[Path] = field(default_factory=list)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def secrets(self) -> Path:
        """Every secret, as a file."""
        return self.folder / "secrets"

    def environment(self, service: str, **more: str) -> dict[str, str]:
        """What a service is given, and nothing of ours but what a process needs to run."""
        told = {
            name: "" if value is None else str(value) for name, value in (self.file["services"][service].get("environment") or {}).items()
        }
        told |= {name: value for name, value in self.replaced.items() if name in told}
        path = os.pathsep.join([*map(str, self.programs), str(Path(sys.executable).parent), "/usr/bin", "/bin"])
        image = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "HOME": str(self.folder / "tmp")}
        image |= {"VREASON_CACHE": os.environ.get("VREASON_CACHE", str(self.folder / "tmp")), "OMP_NUM_THREADS": "1"}
        return {"PATH": path, **image, "VREASON_DATA": str(self.folder), "VREASON_SECRETS": str(self.secrets), **told, **more}

    def start(self, service: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a service; what it prints is in its log."""
        command = self.file["services"][service]["command"]
        script = ROOT / "deploy" / Path(command[0]).relative_to("/opt")
        (self.folder / "tmp").mkdir(exist_ok=True)
        with (self.folder / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", str(script), *command[1:]],
                cwd=self.folder,
                env=self.environment(service, **more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running[service] = process
        return process

    def finish(self, service: str, **more: str) -> None:
        """Run a service to its end, which is to be a good one."""
        assert 0 == self.start(service, **more).wait(240), self.log(service)

    def log(self, service: str) -> str:
        """What a service has printed."""
        return (self.folder / f"{service}.log").read_text()

    def wait_for(self, service: str, address: str) -> None:
        """Until a service answers."""

        def answers() -> bool:
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    return bool(answer.status == 200)
            except (urllib.error.URLError, OSError):
                return False

        process = self.running[service]
        wait_until(answers, lambda: process.poll() is None, 240, lambda: self.log(service))

    def stop(self) -> None:
        """End what was started, as an engine does it: first asked, then made to."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
