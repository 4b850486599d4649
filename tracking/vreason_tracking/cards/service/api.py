"""The JSON API of cards. Every answer has an entity tag, so that a program that asks again is told that nothing has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from vreason_tracking.audit import Entry
from vreason_tracking.cards.difference import Difference
from vreason_tracking.cards.service.index import PAGE, CardEntry
from vreason_tracking.cards.service.queries import PageNumber, Wanted
from vreason_tracking.cards.service.service import CardService, Proved
from vreason_tracking.web import FilterText, NotFoundError, tagged


@dataclass(frozen=True)
class CardList:
    """A page of cards, the newest first, and how many fit in all."""

    cards: Sequence[CardEntry]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class CardDetails:
    """A card in short, and whether its files are those whose digests were entered into the audit trail."""

    card: CardEntry
    proved: Proved


@dataclass(frozen=True)
class CardHistory:
    """A model's cards, and what the audit trail says of its versions and aliases, the newest first."""

    cards: Sequence[CardEntry]
    entries: Sequence[Entry]


@dataclass(frozen=True)
class CardDifference:
    """What two cards say differently, and what the questions that both were asked say of the second."""

    one: str
    other: str
    differences: Sequence[Difference]
    paired: str


_NAMED: dict[int | str, dict[str, Any]] = {304: {"description": "The answer is the one that the request has the entity tag of."}}


def make_card_api(service: CardService) -> APIRouter:
    """The routes; they run in threads."""
    router = APIRouter(prefix="/api", tags=["cards"], responses=_NAMED)

    @router.get("/cards", summary="Cards, the newest first", response_model=CardList)
    def cards(request: Request, wanted: Wanted, page: PageNumber = 1) -> Response:
        """All words of `q` have to be there; the other filters narrow the list down, empty ones take all."""
        found = service.index.search(wanted)
        shown = found[(page - 1) * PAGE : page * PAGE]
        return _answer(request, CardList, CardList(shown, len(found), page, -(-len(found) // PAGE)))

    @router.get("/card-difference", summary="What two cards say differently", response_model=CardDifference)
    def difference(request: Request, one: FilterText, other: FilterText) -> Response:
        """`one` and `other` are labels such as shapes/3, or have an alias in the version's place."""
        entries = [service.index.labelled(each) for each in (one, other)]
        told = CardDifference(entries[0].label, entries[1].label, service.differences(*entries), service.paired(*entries))
        return _answer(request, CardDifference, told)

    @router.get("/cards/{name}", summary="A model's cards and history", response_model=CardHistory)
    def history(request: Request, name: str) -> Response:
        told = CardHistory(service.index.of_model(name), service.history(name))
        if not told.cards and not told.entries:
            raise NotFoundError(f"there is no card of a model {name!r}")
        return _answer(request, CardHistory, told)

    @router.get("/cards/{name}/{version}", summary="A card in short; an alias may stand for the version", response_model=CardDetails)
    def card(request: Request, name: str, version: str) -> Response:
        """Its evidence, with every figure, is below /vreason/cards/NAME/VERSION/evidence.json."""
        entry = service.index.find(name, version)
        return _answer(request, CardDetails, CardDetails(entry, service.proved(entry, service.card(entry))))

    return router


def _answer(request: Request, kind: Any, told: Any) -> Response:
    return tagged(request, TypeAdapter(kind).dump_json(told), "application/json")
