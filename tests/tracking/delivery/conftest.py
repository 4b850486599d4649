"""What the tests of delivery share."""

from __future__ import annotations

import pytest


@pytest.fixture
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small files in place of a variant's drawing, which costs more than the rest of a small delivery; for tests that make many."""

    def draw(curves, path, *style):
        files = [path.with_name(f"{path.name}.{ending}") for ending in ("png", "svg")]
        for file in files:
            file.write_text(str(sorted(curves)))
        return files

    monkeypatch.setattr("vreason_tracking.delivery.finalize.draw_entropy", draw)
