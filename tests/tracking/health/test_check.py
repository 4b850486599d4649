"""vreason_tracking.health.check: one fact about an installation."""

from __future__ import annotations

import pytest

from vreason_tracking.health.check import described


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("first\nsecond"), "ValueError: first"),
        (OSError(), "OSError"),
        (ValueError("x" * 1_000), f"ValueError: {'x' * 300}"),
    ],
)
def test_described(error: BaseException, expected: str) -> None:
    """The class, and the first line of what it says, not without end."""
    assert expected == described(error)
