"""Listens for the card service alone, until it is told to end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from vreason.errors import TrackingError
from vreason_tracking.cards.service.application import make_card_application
from vreason_tracking.catalog import Catalog
from vreason_tracking.web import PREFIX


class _Server(uvicorn.Server):
    """Ends as it was told to: uvicorn's own raises the signal again, and the process would die of it."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """The second time nothing is waited for."""
        self.force_exit = self.should_exit
        self.should_exit = True


def serve_cards(catalog: Catalog, host: str, port: int, notice: Callable[[str], None]) -> None:
    """Serve the cards of a catalog's store; SIGINT and SIGTERM end it.

    Args:
        catalog: journal and store.
        host, port: where to listen; port 0 takes a free one.
        notice: told the address.

    Raises:
        TrackingError: the store cannot be opened, or the address cannot be listened on.
    """
    opened = catalog.open_store()
    if opened.store is None:
        raise opened.store_error or TrackingError(f"{catalog.address}: cannot be opened; name the store with --tracking-uri")
    application = make_card_application(catalog, ["localhost", "127.0.0.1", "[::1]", host])
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise TrackingError(f"{host}:{port}: cannot be listened on ({error.strerror or error}); name another port with --port") from error
    with listening:
        address, found = listening.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        notice(f"cards of {catalog.address}: http://{shown}:{found}{PREFIX}/cards (Ctrl-C ends it)")
        config = uvicorn.Config(application, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5)
        _Server(config).run(sockets=[listening])
