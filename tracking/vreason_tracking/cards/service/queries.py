"""What an address may ask of the list of cards, the same for its page and for programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from vreason_tracking.cards.service.index import CardFilter
from vreason_tracking.web import FilterText

PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]


def _card_filter(
    q: FilterText = "",
    base_model: FilterText = "",
    method: FilterText = "",
    benchmark: FilterText = "",
    alias: FilterText = "",
    signed: FilterText = "",
    stale: FilterText = "",
) -> CardFilter:
    return CardFilter(q, base_model, method, benchmark, alias, signed, stale)


Wanted = Annotated[CardFilter, Depends(_card_filter)]
