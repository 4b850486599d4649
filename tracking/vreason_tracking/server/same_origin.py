"""Whether a browser made a request for a page of this server, or for another site's.

Browsers say so themselves, in headers that no page can set: `Sec-Fetch-Site`, and `Origin` with whatever changes something.
"""

from __future__ import annotations

from collections.abc import Mapping


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request comes from this server's own pages, or from an address that somebody typed. One that says nothing does not.

    The scheme is not compared: behind a proxy that ends TLS the server sees another one than the browser.

    Args:
        headers: of the request, names in lower case.
    """
    origin = headers.get(b"origin")
    if origin is not None:
        return origin.lower().partition(b"://")[2] == headers.get(b"host", b"-").lower()
    return headers.get(b"sec-fetch-site") in (b"same-origin", b"none")
