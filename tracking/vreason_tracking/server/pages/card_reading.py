"""The card service as a part of the team server: it reads the server's own registry, store and audit trail."""

from __future__ import annotations

from collections.abc import Iterator

from vreason_tracking.bundles import Registry
from vreason_tracking.cards import CardIndex, CardService, RunState
from vreason_tracking.server.pages.context import Context


def card_service(context: Context) -> CardService:
    """The service; nothing is read yet.

    Args:
        context: of the pages.
    """

    def registry() -> Registry:
        return Registry(context.store.store())

    return CardService(CardIndex(registry, lambda: _states(context)), registry, context.store.catalog, context.log)


def _states(context: Context) -> Iterator[RunState]:
    for run in context.store.runs():
        ids = tuple(each for each in (run.id, run.journal_id) if each)
        yield RunState(ids, run.identity, run.accuracy, run.started, run.status == "FINISHED")
