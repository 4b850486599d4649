"""Fields that a browser's form sends, read within limits, and only from this server's own pages."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vreason_tracking.server.same_origin import is_same_origin

LARGEST_FORM = 16 * 2**10
"""Bytes."""


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields; of one that is sent twice, the last.

    Raises:
        HTTPException: another site's page sent it, it is no form, or it is too large.
    """
    require_same_origin(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "this is no form; use the page's own")
    body = await read_within(request, LARGEST_FORM)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise HTTPException(400, "this form cannot be read; use the page's own") from None


async def read_within(request: Request, largest: int) -> bytes:
    """The whole body.

    Raises:
        HTTPException: it has more than `largest` bytes.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise HTTPException(413, f"the body is larger than {largest:,} bytes")
        parts.append(part)
    return b"".join(parts)


def require_same_origin(request: Request) -> None:
    """Refuse what another site's page has made a browser send.

    Raises:
        HTTPException: the request does not say that it comes from here.
    """
    if not is_same_origin(dict(request.headers.raw)):
        raise HTTPException(403, "the browser says that a page of another site made this request; use this server's own pages")


def local_target(wanted: str) -> str:
    """Where to go after logging in: a path of this server, else the start page."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable() and "\\" not in wanted
    return wanted if plain else "/vreason/"
