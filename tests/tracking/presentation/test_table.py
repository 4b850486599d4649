"""vreason_tracking.presentation.table: tables of text."""

from __future__ import annotations

from vreason_tracking.presentation.table import slug


def test_slugs() -> None:
    """No blank and no underscore."""
    assert "accuracy-by-problem-type" == slug("accuracy by problem_type")
