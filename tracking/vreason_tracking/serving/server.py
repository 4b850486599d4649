"""The server as a process: the application on uvicorn, started, watched, and shut down without losing what runs."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from vreason.generation import BatchEngine, Engine, Finished
from vreason.models import LoadedModel
from vreason_tracking.bundles import Registry, VideoAccess
from vreason_tracking.serving.app import make_app
from vreason_tracking.serving.jobs import Job
from vreason_tracking.serving.limits import ServingLimits
from vreason_tracking.serving.metrics import ServingMetrics
from vreason_tracking.serving.models import ModelParts, ServedModels
from vreason_tracking.serving.recording import ServedRecording
from vreason_tracking.serving.served_model import ServedModel
from vreason_tracking.serving.service import Service
from vreason_tracking.serving.tokens import Tokens, require_tokens_beyond_loopback
from vreason_tracking.serving.uvicorn_internals import timed_protocol
from vreason_tracking.telemetry import MemorySampler

_log = logging.getLogger(__name__)

READERS = 4  # threads that fetch and decode videos


@dataclass(frozen=True)
class ServerSettings:
    """A server.

    Attributes:
        models: references, "NAME@champion".
        host, port: where it listens; port 0 takes a free one.
        device: in the place of the registered one.
        batch_size, batch_wait: see `vreason.generation.engine.batch_engine`.
        watch_seconds: how often aliases are looked up; None never.
        access: which videos may be named.
        limits: of requests.
        token_file: of bearer tokens.
        record: how replies are recorded; None records none.
    """

    models: Sequence[str]
    host: str = "127.0.0.1"
    port: int = 8000
    device: str | None = None
    batch_size: int = 8
    batch_wait: float = 0.02
    watch_seconds: float | None = None
    access: VideoAccess = field(default_factory=VideoAccess)
    limits: ServingLimits = field(default_factory=ServingLimits)
    token_file: Path | None = None
    record: ServedRecording | None = None


def serve(registry: Registry, settings: ServerSettings, notice: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> None:
    """Serve until the process is told to end (SIGTERM, Ctrl-C): what runs is finished, and nothing new taken.

    Args:
        registry: where the models are.
        settings: of the server.
        notice: told in a sentence what goes on.
        environment: may hold tokens.

    Raises:
        ConfigError: it would be reached from other machines without tokens, or the tokens are wrong.
        VReasonError: a model cannot be found or loaded.
        OSError: the port is taken.
    """
    tokens = Tokens.of(settings.token_file, environment)
    require_tokens_beyond_loopback(settings.host, tokens)
    metrics = ServingMetrics()
    with (
        MemorySampler() as meter,
        ThreadPoolExecutor(READERS, thread_name_prefix="video") as readers,
        _recorded(settings.record) as record,
    ):

        def make_engine(loaded: LoadedModel, coming: Callable[[], int]) -> Engine:
            return BatchEngine(loaded, settings.batch_size, settings.batch_wait, coming, meter.latest)

        def answered(model: ServedModel, job: Job, finished: Finished) -> None:
            metrics.reply(model.name, finished)
            record(model, job, finished)

        parts = ModelParts(settings.access, settings.limits, readers, make_engine, settings.device, answered)
        models = ServedModels(registry, settings.models, parts)
        with _bound(settings.host, settings.port) as channel:
            models.start()
            notice(f"loading {', '.join(models.references)} ...")
            try:
                models.wait_until_loaded()
                service = Service(models, settings.limits, tokens, metrics)
                host, port = channel.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                told = f"serving {', '.join(models.references)} on http://{shown}:{port} (API description: /docs)"
                _Server(service, settings, lambda: notice(told)).run([channel])
            finally:
                models.stop(settings.limits.request_seconds)
        notice("stopped")


class _Server(uvicorn.Server):
    """Says when it serves, and that it drains as soon as it is told to end."""

    def __init__(self, service: Service, settings: ServerSettings, started: Callable[[], None]) -> None:
        self._service, self._started = service, started
        limits = settings.limits
        super().__init__(
            uvicorn.Config(
                make_app(service, lambda app: _watching(app, service.models, settings.watch_seconds)),
                http=timed_protocol(limits.body_seconds),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=limits.connections,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=int(limits.request_seconds) + 1,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Told only now: from here on it ends as it should when it is told to."""
        await super().startup(sockets)
        self._started()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Told to end: the first time what runs is finished, the second time nothing is.

        uvicorn's own raises the signal again at the end, and the process would die of it before its models are put away.
        """
        self.force_exit = self._service.draining
        self._service.draining = self.should_exit = True


@asynccontextmanager
async def _watching(_: FastAPI, models: ServedModels, seconds: float | None) -> AsyncIterator[None]:
    """Look now and then where the aliases point."""
    if seconds is None:
        yield
        return

    async def look() -> None:
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(models.look_for_moved)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def _bound(host: str, port: int) -> Any:
    """A socket that listens, before anything is loaded: that a port is taken shows at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host.strip("[]"), port), family=family, backlog=2048)


def _recorded(recording: ServedRecording | None) -> Any:
    return recording.open() if recording is not None else nullcontext(lambda model, job, finished: None)
