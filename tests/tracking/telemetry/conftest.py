"""What all tests of the telemetry start from."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def every_gpu_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine hides from CUDA."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
