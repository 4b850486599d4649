"""A web server for a test: one that answers everything alike (a broken server, a proxy, a page that is no MLflow), or an application."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


@contextmanager
def serving(answer: Callable[[Request], Response], secure: object = None) -> Iterator[str]:
    """A web server that answers so: its address."""
    server = make_server("127.0.0.1", 0, Request.application(answer), threaded=True, ssl_context=secure)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"{'https' if secure else 'http'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def answering(status: int, body: str, headers: dict[str, str] | None = None, secure: object = None) -> Iterator[tuple[str, list[str]]]:
    """A web server that gives this answer to everything: its address, and the paths that it was asked for."""
    requested: list[str] = []

    def answer(request: Request) -> Response:
        requested.append(request.path)
        return Response(body, status, headers)

    with serving(answer, secure) as address:
        yield address, requested
