"""Answers that a browser or a program need not fetch again: an entity tag, and 304 where it is known already (RFC 9110)."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response


def tagged(request: Request, content: bytes, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """The content with its entity tag; empty, with 304, where the request has that tag.

    Args:
        request: whose answer it is.
        content: whole.
        media_type: of it.
        headers: beside the tag.
    """
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    told = {**(headers or {}), "etag": tag, "cache-control": "private, no-cache"}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known or known == ["*"]:
        return Response(status_code=304, headers=told)
    return Response(content, media_type=media_type, headers=told)
