"""perf/ is no package: its files find each other as Python finds them when one of them is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def perf_folder() -> Iterator[Path]:
    """The folder, from which modules can be imported inside tests."""
    folder = Path(__file__).parents[2] / "perf"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
