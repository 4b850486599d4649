"""vreason_tracking.server.same_origin: whether a page of this server made a request."""

from __future__ import annotations

import pytest

from vreason_tracking.server.same_origin import is_same_origin


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({b"origin": b"http://here:5000", b"host": b"here:5000"}, True),
        ({b"origin": b"https://Here", b"host": b"here"}, True),
        ({b"origin": b"http://evil", b"host": b"here"}, False),
        ({b"origin": b"http://here:5001", b"host": b"here:5000"}, False),
        ({b"origin": b"null", b"host": b"here"}, False),
        ({b"origin": b"http://here"}, False),
        ({b"sec-fetch-site": b"same-origin"}, True),
        ({b"sec-fetch-site": b"none"}, True),
        ({b"sec-fetch-site": b"same-site"}, False),
        ({b"sec-fetch-site": b"cross-site"}, False),
        ({b"origin": b"http://evil", b"host": b"here", b"sec-fetch-site": b"same-origin"}, False),
        ({}, False),
    ],
)
def test_same_origin(headers: dict[bytes, bytes], expected: bool) -> None:
    """The origin is the host that was asked; without one the browser's own word counts; without that, it is not."""
    assert expected is is_same_origin(headers)
