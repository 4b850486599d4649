"""What the pictures' tests share: compared runs with their steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.compared import make_samples, recorded, trio
from vreason_tracking.catalog.run_record import RecordedRun
from vreason_tracking.comparison.comparison import Comparison, compare
from vreason_tracking.records.step_table import RunSteps, read_steps

SAMPLE = "q-0003"


def read(runs: Sequence[RecordedRun], force: bool = False) -> tuple[Comparison, list[RunSteps]]:
    """Compared, with the steps of `SAMPLE`."""
    comparison = compare(runs, force=force)
    return comparison, read_steps([run.steps for run in runs], set(comparison.frame.ids), {SAMPLE})


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, list[RunSteps]]:
    """A baseline, V-Reason and Lite, with 40 steps a reply."""
    return read(trio(tmp_path_factory.mktemp("three"), steps=40))


@pytest.fixture(scope="session")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, list[RunSteps]]:
    """A baseline and 29 others, of which five and more differ in k or in lr only."""
    folder: Path = tmp_path_factory.mktemp("thirty")
    runs = [recorded(folder, "baseline", make_samples(24, 8, 0, right=0.5, steps=24))]
    for number in range(29):
        settings = {"method.controller.k": str(2 ** (number % 5)), "method.controller.lr": f"{5e-5 * (1 + number // 5):g}"}
        samples = make_samples(24, 8, number + 1, right=0.3 + 0.02 * number, steps=24)
        runs.append(recorded(folder, f"v-reason number {number}", samples, preset="v-reason", params=settings))
    return read(runs)
