"""Every name of uvicorn that it does not document and that we use all the same. No other file imports one.

`tests/tracking/serving/test_uvicorn_internals.py` fails when one of them changes; then read what became of it, and set `CHECKED_WITH`.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CHECKED_WITH = "0.54.0"
"""The version of uvicorn that was read and tested."""


def timed_protocol(seconds: float) -> type[HttpToolsProtocol]:
    """uvicorn's own protocol, but that a connection is closed whose first request has not come after so many seconds: a client that sends a
    letter now and then would hold it for ever.

    Uses `HttpToolsProtocol.loop`, `transport` and `cycle`, which is None before the first request's headers are there.
    """

    class TimedProtocol(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._deadline = self.loop.call_later(seconds, self._close_if_silent)

        def connection_lost(self, exc: Exception | None) -> None:
            self._deadline.cancel()
            super().connection_lost(exc)

        def _close_if_silent(self) -> None:
            if self.cycle is None:
                self.transport.close()

    return TimedProtocol
