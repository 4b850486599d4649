"""The card service alone, without a team server: `vreason-track card serve`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from vreason_tracking.audit import FILE, AuditDatabase, AuditLog, local_uri
from vreason_tracking.bundles import Registry
from vreason_tracking.cards.service.api import make_card_api
from vreason_tracking.cards.service.index import CardIndex
from vreason_tracking.cards.service.pages import make_card_pages
from vreason_tracking.cards.service.service import CardService
from vreason_tracking.cards.service.staleness import RunState
from vreason_tracking.catalog import Catalog, row_of
from vreason_tracking.web import PREFIX, Renderer, make_application

_RENDER = Renderer(
    ["vreason_tracking.cards.service", "vreason_tracking.cards"],
    [(f"{PREFIX}/cards", "Cards"), (f"{PREFIX}/card-difference", "Side by side")],
)


def make_card_application(catalog: Catalog, hosts: Sequence[str] = ("*",)) -> Starlette:
    """An application that shows the cards of a catalog's store.

    Args:
        catalog: journal and store; the journal's audit trail tells the history.
        hosts: names by which it may be asked: a page of another name that leads here is none of ours.
    """
    path = (catalog.root / FILE).absolute()
    log = AuditLog(AuditDatabase(local_uri(path))) if path.is_file() else None
    service = make_card_service(catalog, log)
    app: FastAPI = make_application("vreason-track cards", _RENDER)
    app.include_router(make_card_api(service))
    app.include_router(make_card_pages(service, _RENDER))
    start = [Route(each, lambda _: RedirectResponse(f"{PREFIX}/cards", 307)) for each in ("/", PREFIX, f"{PREFIX}/")]
    return Starlette(routes=[*start, Mount(PREFIX, app)], middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))])


def make_card_service(catalog: Catalog, log: AuditLog | None) -> CardService:
    """The service over a catalog's store; nothing is read yet.

    Args:
        catalog: where versions, runs and their raw samples are.
        log: the audit trail that tells the history; None where none is known.
    """

    def registry() -> Registry:
        return Registry.of(catalog)

    return CardService(CardIndex(registry, lambda: _states(catalog)), registry, catalog, log)


def _states(catalog: Catalog) -> Iterator[RunState]:
    """The runs of the catalog's store, now."""
    index = catalog.read_stored()
    if index.store_error:
        raise index.store_error
    for run in index.runs:
        row = row_of(run)
        ids = tuple(dict.fromkeys(each for each in (row.mlflow_id, row.journal_id) if each))
        yield RunState(ids, row.identity, row.accuracy, row.started, row.status == "FINISHED")
