"""What the tests of cards share: two recorded runs, their evidence and their card."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import like_runs, trials
from tests.helpers.cards import evidence_of
from vreason_tracking.cards import Evidence, to_readme
from vreason_tracking.stores import MlflowStore


@pytest.fixture(scope="module")
def recorded(mlflow_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Two delivered runs: the journal, and the store's address."""
    folder = tmp_path_factory.mktemp("cards")
    uri = trials.copy_store(mlflow_template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        like_runs.pair(folder / "journal", MlflowStore(uri, "vreason"))
    return folder / "journal", uri


@pytest.fixture(scope="module")
def evidence(recorded: tuple[Path, str]) -> Evidence:
    with evidence_of(*recorded, "baseline", "v-reason") as found:
        return found


@pytest.fixture
def card(evidence: Evidence) -> str:
    return to_readme(evidence)
