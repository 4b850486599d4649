"""Templates of the pages, and how times and counts look in them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from vreason_tracking.catalog import iso
from vreason_tracking.presentation import NONE, percent

if TYPE_CHECKING:
    from jinja2 import Environment


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page.

    Args:
        request: whose answer it is; the page says who looks at it.
        template: its name, without the ending.
        status: of HTTP.
        values: for the template.
    """
    identity = request.scope.get("vreason.identity")
    text = _templates().get_template(f"{template}.html.j2").render(me=identity.user if identity else None, here=request.url.path, **values)
    return HTMLResponse(text, status)


def moment(stamp: str) -> str:
    """An ISO 8601 time as it is read: "2026-11-27 06:54:21", UTC."""
    return stamp.replace("T", " ").replace("Z", "")[:19] or NONE


def stamp(stamp_ms: int) -> str:
    """Unix time in milliseconds as it is read."""
    return moment(iso(stamp_ms))


def span(seconds: float | None) -> str:
    """A length of time, rounded: "42 s", "7 min", "3 h 5 min", "2 d"."""
    if seconds is None:
        return NONE
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d"


def share(value: float | None) -> str:
    """An accuracy in per cent."""
    return NONE if value is None else percent(value)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("vreason_tracking.server.pages", "templates")
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters.update(moment=moment, stamp=stamp, span=span, share=share)
    return found
