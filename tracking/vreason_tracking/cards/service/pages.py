"""The pages of cards: the list, a card, two beside each other, a model's history; and a card's files, badge and feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from vreason_tracking.audit import own_details
from vreason_tracking.cards.bill_of_materials import FILE as BILL
from vreason_tracking.cards.difference import difference_table
from vreason_tracking.cards.entropy_curve import curve_svg
from vreason_tracking.cards.folder_check import EVIDENCE, PAGE as HTML, README
from vreason_tracking.cards.html_page import template_values
from vreason_tracking.cards.service.badge import FIGURES, badge
from vreason_tracking.cards.service.feed import atom_feed
from vreason_tracking.cards.service.index import PAGE, CardEntry
from vreason_tracking.cards.service.queries import PageNumber, Wanted
from vreason_tracking.cards.service.service import CardService
from vreason_tracking.web import REPORT_POLICY, FilterText, NotFoundError, Renderer, tagged

_KINDS = {README: "text/markdown", HTML: "text/html", EVIDENCE: "application/json", BILL: "application/vnd.cyclonedx+json; version=1.6"}
_OFFERED = 200
"""Labels that the fields for two cards offer."""


def make_card_pages(service: CardService, render: Renderer) -> APIRouter:
    """The routes. They read databases, and so run in threads."""
    router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
    router.mount("/static/cards", StaticFiles(packages=[("vreason_tracking.cards.service", "static")]))
    _add_lists(router, service, render)
    _add_files(router, service)
    _add_card(router, service, render)
    return router


def _add_lists(router: APIRouter, service: CardService, render: Renderer) -> None:
    page = _pages(router)

    @page("/cards")
    def cards(request: Request, wanted: Wanted, page: PageNumber = 1) -> Response:
        found, known = service.index.search(wanted), service.index.cards()
        return render(
            request,
            "cards",
            wanted=wanted,
            choices=known.choices,
            without=known.without,
            total=len(found),
            entries=[(entry, tile_picture(entry)) for entry in found[(page - 1) * PAGE : page * PAGE]],
            newer=wanted.address(page - 1) if page > 1 else None,
            older=wanted.address(page + 1) if len(found) > page * PAGE else None,
            page=page,
        )

    @page("/cards.atom")
    def feed(request: Request) -> Response:
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return tagged(request, atom_feed(service.index.cards().entries, origin), "application/atom+xml")

    @page("/card-difference")
    def difference(request: Request, one: FilterText = "", other: FilterText = "") -> Response:
        labels = [entry.label for entry in service.index.cards().entries[:_OFFERED]]
        values: dict[str, Any] = {"one": one, "other": other, "labels": labels, "table": None, "entries": None, "paired": None}
        if one and other:
            entries = [service.index.labelled(each) for each in (one, other)]
            table = difference_table(service.differences(*entries), entries[0].label, entries[1].label)
            values |= {"entries": entries, "table": table, "paired": service.paired(*entries)}
        return render(request, "card_difference", **values)

    @page("/cards/{name}")
    def history(request: Request, name: str) -> Response:
        entries, told = service.index.of_model(name), service.history(name)
        if not entries and not told:
            raise NotFoundError(f"there is no card of a model {name!r}; the list of cards shows those that are there")
        return render(request, "card_history", name=name, entries=entries, told=[(each, own_details(each)) for each in told])


def _add_files(router: APIRouter, service: CardService) -> None:
    page = _pages(router)

    @page("/cards/{name}/{version}/badge.svg")
    def card_badge(request: Request, name: str, version: str, figure: FilterText = FIGURES[0]) -> Response:
        if figure not in FIGURES:
            raise HTTPException(422, f"figure: {figure!r} is none; there are {', '.join(FIGURES)}")
        picture = badge(service.index.find(name, version), figure).encode()
        return tagged(request, picture, "image/svg+xml", {"cross-origin-resource-policy": "cross-origin"})  # for a README elsewhere

    @page("/cards/{name}/{version}/{file}")
    def card_file(request: Request, name: str, version: str, file: str) -> Response:
        if file not in _KINDS:
            raise HTTPException(404, f"a card has no file {file!r}; there are {', '.join(_KINDS)} and badge.svg")
        content = service.card(service.index.find(name, version)).files[file]
        return tagged(request, content, _KINDS[file], {"content-security-policy": REPORT_POLICY})


def _add_card(router: APIRouter, service: CardService, render: Renderer) -> None:
    page = _pages(router)

    @page("/cards/{name}/{version}")
    def card(request: Request, name: str, version: str) -> Response:
        entry = service.index.find(name, version)
        found = service.card(entry)
        others = [each for each in service.index.of_model(entry.name) if each.version != entry.version]
        return render(
            request,
            "card_page",
            entry=entry,
            proved=service.proved(entry, found),
            changed=service.changed(found),
            others=others[:_OFFERED],
            files=tuple(_KINDS),
            **template_values(found.evidence, found.notes),
        )


def tile_picture(entry: CardEntry) -> Markup | None:
    """The entropy curve of a card in the list."""
    told = entry.summary
    return Markup(curve_svg(told.curves, told.baseline, f"Entropy along the reply of {entry.label}")) if told.curves else None


def _pages(router: APIRouter) -> Callable[[str], Callable[[Callable[..., Any]], Any]]:
    """A decorator for what is looked at; HEAD is answered as well."""
    return lambda path: router.api_route(path, methods=["GET", "HEAD"])
