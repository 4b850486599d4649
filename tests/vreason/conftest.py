"""What these tests share: the model of random weights, loaded, six of the demo's questions, answered one by one, and clips to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.evaluations import Events
    from vreason.benchmarks import Sample
    from vreason.events import SampleRecord
    from vreason.models.loading import LoadedModel


@pytest.fixture(scope="session")
def loaded(random_model_folder: Path) -> LoadedModel:
    """The model; tests leave it as it was."""
    from vreason.models.loading import load_model
    from vreason.models.spec import ModelSpec

    return load_model(ModelSpec(id=str(random_model_folder), device="cpu"))


@pytest.fixture(scope="session")
def samples(cache_folder: Path) -> list[Sample]:
    """Six questions about clips of the demo's."""
    from vreason.benchmarks import DemoBenchmark

    return list(DemoBenchmark(limit=6).samples())


@pytest.fixture(scope="session")
def singles(loaded: LoadedModel, samples: list[Sample]) -> tuple[list[SampleRecord], Events]:
    """All six, one by one."""
    from tests.helpers.evaluations import Events, run

    events = Events()
    return run(loaded, samples, [events]), events


@pytest.fixture(scope="session")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 24 frames; tests leave it as it is."""
    from tests.helpers import clips

    return clips.write_clip(tmp_path_factory.mktemp("clips") / "whole.mp4")


@pytest.fixture(scope="session")
def textured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One clip a container, full of coded data; "fast" is an mp4 whose index comes first."""
    from tests.helpers import clips

    folder = tmp_path_factory.mktemp("textured")
    made = {suffix: clips.write_clip(folder / f"textured.{suffix}", texture=True) for suffix in ("mp4", "mkv", "webm", "avi")}
    return made | {"fast": clips.write_clip(folder / "fast.mp4", texture=True, options={"movflags": "faststart"})}
