"""Templates of the pages, and how times and counts look in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from vreason_tracking.catalog import iso
from vreason_tracking.presentation import NONE, percent

if TYPE_CHECKING:
    from jinja2 import Environment


class Renderer:
    """Makes pages out of templates, all in one layout.

    Args:
        packages: whose folders `templates` are looked in, before that of this package.
        links: address and name of what stands above every page.
        more_links: the same, behind who looks at it.
    """

    def __init__(self, packages: Sequence[str], links: Sequence[tuple[str, str]], more_links: Sequence[tuple[str, str]] = ()) -> None:
        self._packages, self._links, self._more_links = (*packages, "vreason_tracking.web"), tuple(links), tuple(more_links)

    def __call__(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page.

        Args:
            request: whose answer it is; the page says who looks at it.
            template: its name, without the ending.
            status: of HTTP.
            values: for the template.
        """
        return HTMLResponse(self.text(request, template, **values), status)

    def text(self, request: Request, template: str, **values: Any) -> str:
        """The page's text; arguments as above."""
        identity = request.scope.get("vreason.identity")
        shared = {"me": identity.user if identity else None, "here": request.url.path, "links": self._links, "more_links": self._more_links}
        return self._templates.get_template(f"{template}.html.j2").render(**shared, **values)

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

        loader = ChoiceLoader([PackageLoader(package, "templates") for package in self._packages])
        found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        found.filters.update(moment=moment, stamp=stamp, span=span, share=share)
        return found


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
