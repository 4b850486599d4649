"""A request's body, read within its limits."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.limits import ServingLimits

JSON = "application/json"


async def read_body(request: Request, limits: ServingLimits) -> bytes:
    """The whole body of JSON.

    Raises:
        RequestError: it is something else, too large, or does not come in time.
    """
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON:
        raise RequestError(415, f"content-type {kind[:100]!r} is not taken; send {JSON}")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limits.body_bytes:
        raise _too_large(limits)
    try:
        return await asyncio.wait_for(_joined(request, limits), limits.body_seconds)
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {limits.body_seconds:g} s; send it again") from None
    except ClientDisconnect:
        raise RequestError(400, "the client has gone") from None


async def _joined(request: Request, limits: ServingLimits) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.body_bytes:
            raise _too_large(limits)
        parts.append(part)
    return b"".join(parts)


def _too_large(limits: ServingLimits) -> RequestError:
    return RequestError(413, f"the body is larger than {limits.body_bytes:,} bytes, the most that is taken; send a smaller video")


async def until_gone(request: Request) -> None:
    """Wait until the client has gone; its body has been read before."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
