"""What these tests share: the model of random weights, loaded once, and a few of the demo's questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.models.loading import LoadedModel


@pytest.fixture(scope="session")
def loaded(random_model_folder: Path) -> LoadedModel:
    """The model; tests leave it as it was."""
    from vreason.models.loading import load_model
    from vreason.models.spec import ModelSpec

    return load_model(ModelSpec(id=str(random_model_folder), device="cpu"))


@pytest.fixture(scope="session")
def samples(cache_folder: Path) -> list[Sample]:
    """Five questions about clips of the demo's."""
    from vreason.benchmarks import DemoBenchmark

    return list(DemoBenchmark(limit=5).samples())
