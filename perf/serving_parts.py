"""The two servers and the plain process that `perf/serving.py` measures, each in a process of its own."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

OURS, THEIRS = "vreason-track", "mlflow"
NAME = "perf"
_CONFIG = """
name: perf
variants: [{name: v-reason, preset: v-reason, controller: {lr: 0.03}}]
data: {source: demo, split: test, limit: 12}
generation: {max_new_tokens: 96}
"""
_LOAD = "from vreason.models import ModelSpec, load_model; load_model(ModelSpec('demo'))"
_PLAIN = """
import json, sys
from vreason.benchmarks import DemoBenchmark
from vreason.evaluation import Evaluator
from vreason_tracking.bundles import Predictor, VideoAccess, read_bundle
from pathlib import Path
bundle = read_bundle(Path(sys.argv[1]))
predictor = Predictor.of(bundle, VideoAccess(roots=None))
samples = list(DemoBenchmark(limit=12).samples())
evaluator = Evaluator(predictor.loaded, bundle.evaluation_config())
print("ready", flush=True)
for line in sys.stdin:
    record = next(iter(evaluator.run([samples[int(line) % len(samples)]])))
    print(json.dumps(record.ms_per_token), flush=True)
"""


@dataclass(frozen=True)
class Bundle:
    """A registered bundle.

    Attributes:
        folder: holds the store.
        uri: of the store.
        description: its `bundle.json`.
        bodies: of /invocations, one a question; `chats` of /v1/chat/completions.
    """

    folder: Path
    uri: str
    description: Path
    bodies: list[bytes]
    chats: list[bytes]

    @property
    def questions(self) -> int:
        """How many there are."""
        return len(self.bodies)


def made_bundle(folder: Path) -> Bundle:
    """Run the demo, and register it."""
    from vreason.benchmarks import DemoBenchmark
    from vreason_tracking.bundles import Registration, register
    from vreason_tracking.catalog import Catalog
    from vreason_tracking.running import run_experiment
    from vreason_tracking.settings import parse_settings

    uri = f"sqlite:///{folder / 'mlflow.db'}"
    os.environ["MLFLOW_TRACKING_URI"] = uri
    run_experiment(parse_settings(_CONFIG))
    catalog = Catalog(folder / "vreason-journal", uri, "vreason")
    made = register(catalog, Registration(run="v-reason", name=NAME, run_example=False), lambda _: None)
    description = made.bundle.write(folder)
    bodies, chats = [], []
    for sample in DemoBenchmark(limit=12).samples():
        video = f"data:video/mp4;base64,{base64.b64encode(Path(sample.video).read_bytes()).decode()}"
        own: dict[str, Any] = {"problem_type": sample.problem_type, "id": sample.sample_id}
        own |= {"options": list(sample.options)} if sample.options else {}
        bodies.append(json.dumps({"dataframe_records": [{"video": video, "question": sample.question, **own}]}).encode())
        content = [{"type": "video_url", "video_url": {"url": video}}, {"type": "text", "text": sample.question}]
        chat = {"model": NAME, "messages": [{"role": "user", "content": content}], "stream": True, "vreason": own}
        chat["stream_options"] = {"include_usage": True}
        chats.append(json.dumps(chat).encode())
    return Bundle(folder, uri, description, bodies, chats)


@dataclass
class Server:
    """A server that runs."""

    bundle: Bundle
    name: str
    port: int

    def invoke(self, number: int) -> float:
        """Seconds of one call of /invocations."""
        began = time.perf_counter()
        with self._answered("/invocations", self.bundle.bodies[number % self.bundle.questions]) as answer:
            told = json.loads(answer.read())
        if answer.status != 200 or told["predictions"][0]["error"] is not None:
            raise RuntimeError(f"{self.name}: {answer.status} {str(told)[:300]}")
        return time.perf_counter() - began

    def first_token(self, number: int) -> float:
        """Seconds until the first text of a streamed reply; of a server without streams, of the whole answer."""
        if self.name == THEIRS:
            return self.invoke(number)
        began, first = time.perf_counter(), 0.0
        with self._answered("/v1/chat/completions", self.bundle.chats[number % self.bundle.questions]) as answer:
            for line in answer:
                if not first and (b'"reasoning_content":' in line or (b'"content":' in line and b'"role"' not in line)):
                    first = time.perf_counter() - began
        return first

    def token_ms(self, number: int) -> float:
        """A token's mean time after the first, milliseconds, as the server has it for a whole answer."""
        with self._answered("/invocations", self.bundle.bodies[number % self.bundle.questions]) as answer:
            return _per_token(json.loads(answer.read())["predictions"][0])

    def streamed_token_ms(self, number: int) -> float:
        """Milliseconds a token while the model streams its reply."""
        with self._answered("/v1/chat/completions", self.bundle.chats[number % self.bundle.questions]) as answer:
            lines = [json.loads(line[6:]) for line in answer if line.startswith(b"data: {")]
        own, usage = (next(line[name] for line in lines if line.get(name)) for name in ("vreason", "usage"))
        return _per_token({**own, "tokens": usage["completion_tokens"]})

    @contextmanager
    def _answered(self, path: str, body: bytes) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            yield connection.getresponse()
        finally:
            connection.close()


def _per_token(told: dict[str, Any]) -> float:
    return float((told["latency_ms"] - told["time_to_first_token_ms"]) / max(1, told["tokens"] - 1))


@contextmanager
def started(bundle: Bundle, name: str) -> Iterator[Server]:
    """Start a server, wait until it answers, and end it."""
    port = _free_port()
    if name == OURS:
        program = [sys.executable, "-c", "from vreason_cli.main import main; main()", "model", "serve", NAME]
        command = [*program, "--port", str(port), "--tracking-uri", bundle.uri]
    else:
        program = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{NAME}/1"]
        command = [*program, "--env-manager", "local", "-p", str(port)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True)
    try:
        _await(process, port, "/ready" if name == OURS else "/ping")
        yield Server(bundle, name, port)
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)


def _await(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    while process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.02)
    raise RuntimeError("the server has ended")


def _free_port() -> int:
    with socket.socket() as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


def timed_load() -> float:
    """Seconds in which a process imports what it needs and loads the model."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _LOAD], check=True, capture_output=True)
    return time.perf_counter() - began


class InProcess:
    """`vreason.decode` through an evaluator, in a process that does nothing else."""

    def __init__(self, bundle: Bundle) -> None:
        command = [sys.executable, "-c", _PLAIN, str(bundle.description)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def __enter__(self) -> InProcess:
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the plain process has ended")
        return self

    def __exit__(self, *_: type[BaseException] | TracebackType | BaseException | None) -> None:
        self._process.terminate()
        self._process.wait()

    def token_ms(self, number: int) -> float:
        """A token's mean time after the first, milliseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return float(json.loads(self._process.stdout.readline()))
