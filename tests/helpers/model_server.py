"""A real `vreason-track model serve` in a process of its own, and what a client needs to talk to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.bundle_world import BundleWorld
from vreason.benchmarks import Sample
from vreason_tracking.bundles.example import data_uri as _data_uri

ROOT = Path(__file__).parents[2]
_SERVING = re.compile(r"serving .* on (http://\S+)")


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class ModelServer:
    """A server that runs.

    Attributes:
        url: without a slash at its end.
        process: its own.
        log: what it writes to stderr.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def post(self, path: str, data: Any, headers: Mapping[str, str] | None = None, timeout: float = 60) -> Answer:
        """Send JSON, or bytes as they are."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self._asked(urllib.request.Request(self.url + path, body, {"content-type": "application/json", **(headers or {})}), timeout)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page."""
        return self._asked(urllib.request.Request(self.url + path, headers=dict(headers or {})), 30)

    def _asked(self, request: urllib.request.Request, timeout: float) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, {name.lower(): value for name, value in error.headers.items()}, error.read())

    @property
    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def memory(self) -> int:
        """Resident bytes."""
        import psutil

        return int(psutil.Process(self.process.pid).memory_info().rss)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def serving(
    world: BundleWorld, folder: Path, *options: str, models: tuple[str, ...] = ("shapes@champion",), **environment: str
) -> Iterator[ModelServer]:
    """Start one, wait until it serves, and end it."""
    log = folder / "serve.log"
    program = [sys.executable, "-c", "from vreason_cli.main import main; main()"]
    command = [*program, "model", "serve", *models, "--port", "0", *world.places, *options]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stderr=stream, stdout=stream, cwd=folder, env={**os.environ, **environment})
    try:
        yield ModelServer(_url(process, log), process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if found := _SERVING.search(log.read_text(errors="replace")):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def data_uri(path: str | Path) -> str:
    """A clip as a client sends it."""
    return _data_uri(Path(path))


def chat(sample: Sample, video: str | None = None, **changes: Any) -> dict[str, Any]:
    """The body of a chat request about a sample, by its path unless another video is named; `changes` are fields."""
    own: dict[str, Any] = {"id": sample.sample_id, "problem_type": sample.problem_type}
    if sample.options:
        own["options"] = list(sample.options)
    own |= changes.pop("vreason", {})
    parts = [{"type": "video_url", "video_url": {"url": video or sample.video}}, {"type": "text", "text": sample.question}]
    return {"model": "shapes@champion", "messages": [{"role": "user", "content": parts}], "vreason": own, **changes}


def record(sample: Sample, **changes: Any) -> dict[str, Any]:
    """A record for /invocations."""
    options = {"options": list(sample.options)} if sample.options else {}
    return {
        "video": sample.video,
        "question": sample.question,
        "problem_type": sample.problem_type,
        "id": sample.sample_id,
        **options,
        **changes,
    }
