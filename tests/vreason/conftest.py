"""What the tests of an evaluation share: the model of random weights, loaded, and six of the demo's questions, answered one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.doubles.evaluations import Events
    from vreason.benchmarks import Sample
    from vreason.events import SampleRecord
    from vreason.loading import LoadedModel


@pytest.fixture(scope="session")
def loaded(random_model_folder: Path) -> LoadedModel:
    """The model; tests leave it as it was."""
    from vreason.loading import ModelSpec, load_model

    return load_model(ModelSpec(id=str(random_model_folder), device="cpu"))


@pytest.fixture(scope="session")
def samples(cache_folder: Path) -> list[Sample]:
    """Six questions about clips of the demo's."""
    from vreason.benchmarks import DemoBenchmark

    return list(DemoBenchmark(limit=6).samples())


@pytest.fixture(scope="session")
def singles(loaded: LoadedModel, samples: list[Sample]) -> tuple[list[SampleRecord], Events]:
    """All six, one by one."""
    from tests.doubles.evaluations import Events, run

    events = Events()
    return run(loaded, samples, [events]), events
