"""Two real runs that start at the same moment in an empty folder: one database, two runs recorded, and none takes the other for dead."""

from __future__ import annotations

import subprocess
import sys

import pytest
from mlflow import MlflowClient

from tests.helpers import trials
from vreason_tracking.journal.codec import SessionStarted
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.reader import last_end, read_events

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROGRAM = [sys.executable, "-c", "from vreason_cli.main import main; main()"]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_two_runs_at_once(tmp_path, random_model_folder, postgres, store) -> None:
    """SQLite and PostgreSQL, both empty: both runs end well, everything is delivered, and each was one session."""
    uri = f"sqlite:///{tmp_path}/mlflow.db" if store == "sqlite" else postgres.uri(postgres.create())
    (tmp_path / "trial.yaml").write_text(trials.trial(random_model_folder, uri, variants=trials.ONE))
    started = [
        subprocess.Popen([*PROGRAM, "run", "-c", "trial.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=600)[0] for process in started]
    assert [0, 0] == [process.returncode for process in started], said
    assert all(", 0 waiting" in text for text in said), said
    runs = list(run_folders(tmp_path / "vreason-journal"))
    assert 2 == len(runs)
    assert ["FINISHED", "FINISHED"] == [getattr(last_end(run), "status", None) for run in runs]
    assert [1, 1] == [len([event for event in read_events(run) if isinstance(event, SessionStarted)]) for run in runs]
    client = MlflowClient(uri)
    found = client.search_runs([client.get_experiment_by_name("vreason").experiment_id], "tags.`vreason.kind` = 'variant'")
    assert ["FINISHED", "FINISHED"] == [run.info.status for run in found]
    assert {run.run_id for run in runs} == {run.data.tags["vreason.run_id"] for run in found}
