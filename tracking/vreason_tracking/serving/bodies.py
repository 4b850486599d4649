"""A request's body, read within its limits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.limits import ServingLimits

JSON = "application/json"

_DISCARDED_BYTES = 64 * 2**20
_DISCARDED_SECONDS = 5.0
"""How much of a body that is too large, and for how long, is still read and thrown away. A client that sends its whole body before it reads
would otherwise find the connection closed under its hands, and never see why."""


async def read_body(request: Request, limits: ServingLimits) -> bytes:
    """The whole body of JSON.

    Raises:
        RequestError: it is something else, too large, or does not come in time.
    """
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON:
        raise RequestError(415, f"content-type {kind[:100]!r} is not taken; send {JSON}")
    announced = request.headers.get("content-length", "")
    stream = request.stream()
    if announced.isdecimal() and int(announced) > limits.body_bytes:
        await _discard(stream)
        raise _too_large(limits)
    try:
        return await asyncio.wait_for(_joined(stream, limits), limits.body_seconds)
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {limits.body_seconds:g} s; send it again") from None
    except ClientDisconnect:
        raise RequestError(400, "the client has gone") from None


async def _joined(stream: AsyncIterator[bytes], limits: ServingLimits) -> bytes:
    parts, size = [], 0
    async for part in stream:
        size += len(part)
        if size > limits.body_bytes:
            await _discard(stream)
            raise _too_large(limits)
        parts.append(part)
    return b"".join(parts)


async def _discard(stream: AsyncIterator[bytes]) -> None:
    """Read what still comes, within bounds."""
    size = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_DISCARDED_SECONDS):
            async for part in stream:
                size += len(part)
                if size > _DISCARDED_BYTES:
                    return


def _too_large(limits: ServingLimits) -> RequestError:
    return RequestError(413, f"the body is larger than {limits.body_bytes:,} bytes, the most that is taken; send a smaller video")


async def until_gone(request: Request) -> None:
    """Wait until the client has gone; its body has been read before."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
