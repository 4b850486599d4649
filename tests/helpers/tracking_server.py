"""A real `mlflow server`, as a user would start it, that tests may stop and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.ports import free_port, wait_until


@dataclass
class TrackingServer:
    """A tracking server of MLflow's, and the processes that it consists of.

    Attributes:
        folder: where it runs and keeps artifacts.
        backend: address of its database; None takes mlflow.db of the folder.
        options: more of the command's.
        environment: more variables of its process.
        audited: whether it is ours, with an audit trail; in `audit.db` of the folder where it is not PostgreSQL's.
    """

    folder: Path
    backend: str | None = None
    audited: bool = False
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def uri(self) -> str:
        """Its address with a user's name and password, which it does not ask for."""
        return f"http://me:s3cret@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the same port and data each time, and wait until it answers."""
        command = [*self._program(), "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", self.backend or f"sqlite:///{self.folder}/mlflow.db"]
        command += ["--artifacts-destination", str(self.folder / "kept"), "--workers", "1", *self.options]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | self.environment
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._healthy, self._alive, 300, (self.folder / "server.log").read_text)

    def _program(self) -> list[str]:
        return [str(Path(sys.executable).with_name("vreason-track"))] if self.audited else [sys.executable, "-m", "mlflow"]

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End it at once, with all that it started."""
        if self.process is not None and self._alive():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def restart(self) -> None:
        """Away, and back."""
        self.stop()
        self.start()
