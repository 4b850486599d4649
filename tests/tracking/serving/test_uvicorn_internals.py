"""What we use of uvicorn's inside is there, in the version that was read; and a silent connection is closed."""

from __future__ import annotations

import asyncio
import inspect
import time
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vreason_tracking.serving.uvicorn_internals import CHECKED_WITH, timed_protocol

ROOT = Path(__file__).parents[3]


def test_the_version() -> None:
    """The one that was read is the one that is pinned."""
    assert f"uvicorn=={CHECKED_WITH}" in (ROOT / "constraints.txt").read_text().splitlines()


def test_the_names_are_there() -> None:
    """Each is set where the protocol is made or connected."""
    source = inspect.getsource(HttpToolsProtocol)
    for name in ("self.loop", "self.transport", "self.cycle"):
        assert f"{name} = " in source or f"{name}: " in source


async def _app(scope: object, receive: object, send: object) -> None:
    """Nobody gets as far."""


def test_a_silent_connection_is_closed() -> None:
    """After its time, and not before."""

    async def act() -> float:
        config = uvicorn.Config(_app, http=timed_protocol(0.4), log_config=None, lifespan="off", port=0)
        config.load()
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.monotonic()
        writer.write(b"POST /v1")
        assert b"" == await reader.read(1)
        took = time.monotonic() - began
        writer.close()
        server.should_exit = True
        await serving
        return took

    assert 0.35 < asyncio.run(act()) < 3.0
