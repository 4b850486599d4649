"""vreason_tracking.stores.moved_artifacts: artifacts of a database that was moved with the folder around it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from vreason_tracking.stores.artifacts import fetch_artifact
from vreason_tracking.stores.mlflow_store import MlflowStore
from vreason_tracking.stores.moved_artifacts import _COLUMNS, beside, follow_the_database


@pytest.fixture
def project(tmp_path, mlflow_template, monkeypatch):
    """A project's folder: a store with a run that has an artifact."""
    folder = tmp_path / "old_project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shutil.copy(mlflow_template, folder / "mlflow.db")
    store = MlflowStore(f"sqlite:///{folder}/mlflow.db", "trial")
    run_id = store.start_run("v-reason", {})
    (tmp_path / "config.yaml").write_text("seed: 0")
    store.log_files(run_id, [tmp_path / "config.yaml"])
    return folder, run_id


def moved(project, monkeypatch, *, copied=False):
    folder, run_id = project
    there = folder.with_name("new")
    (shutil.copytree if copied else shutil.move)(folder, there)
    monkeypatch.chdir(there)
    return there, run_id


def test_columns_are_there(mlflow_template) -> None:
    """Every column that holds a path of artifacts is one of MLflow's."""
    with closing(sqlite3.connect(mlflow_template)) as connection:
        for table, column in _COLUMNS:
            assert column in [row[1] for row in connection.execute(f"PRAGMA table_info({table})")], (table, column)


def test_a_renamed_folder(project, monkeypatch, tmp_path) -> None:
    """Old artifacts are read where they are now, new ones written there, and the old folder is not made again."""
    there, run_id = moved(project, monkeypatch)
    store = MlflowStore(f"sqlite:///{there}/mlflow.db", "trial")
    found = fetch_artifact(store, store.client.get_run(run_id), "config.yaml", tmp_path)
    assert (there / "mlruns") in found.parents
    another = store.start_run("baseline", {})
    store.log_files(another, [found])
    assert str(there / "mlruns") in store.client.get_run(another).info.artifact_uri
    assert not project[0].exists()


def test_read_only(project, monkeypatch, tmp_path) -> None:
    """Who only reads changes nothing, and finds the artifacts all the same."""
    there, run_id = moved(project, monkeypatch)
    before = (there / "mlflow.db").read_bytes()
    store = MlflowStore(f"sqlite:///{there}/mlflow.db", "trial", create=False)
    run = store.client.get_run(run_id)
    assert str(project[0]) in run.info.artifact_uri
    assert (there / "mlruns") in fetch_artifact(store, run, "config.yaml", tmp_path).parents
    assert before == (there / "mlflow.db").read_bytes()


def test_a_copy(project, monkeypatch, tmp_path) -> None:
    """Where the first place is still there, nothing is changed: the artifacts are its."""
    there, run_id = moved(project, monkeypatch, copied=True)
    assert [] == follow_the_database(there / "mlflow.db")
    store = MlflowStore(f"sqlite:///{there}/mlflow.db", "trial")
    assert (project[0] / "mlruns") in fetch_artifact(store, store.client.get_run(run_id), "config.yaml", tmp_path).parents


def test_addresses_that_stay(project, monkeypatch) -> None:
    """Object stores, other machines, and other folders that only begin the same are nobody's to change."""
    folder, _ = project
    kept = ["s3://bucket/x", "mlflow-artifacts:/7", "file://otherhost/x", f"{folder}x/mlruns/9", "/"]
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        for number, location in enumerate(kept):
            (Path(location).parent.mkdir(parents=True) if location.endswith("/9") else None)
            connection.execute(
                "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) VALUES (?, ?, ?, 'active')",
                [100 + number, location, location],
            )
    there, _ = moved(project, monkeypatch)
    assert [(str(folder / "mlruns"), str(there / "mlruns"))] == follow_the_database(there / "mlflow.db")
    assert [] == follow_the_database(there / "mlflow.db")
    with closing(sqlite3.connect(there / "mlflow.db")) as connection:
        rows = connection.execute("SELECT artifact_location FROM experiments WHERE experiment_id >= 100 ORDER BY experiment_id")
        assert kept == [location for (location,) in rows]


@pytest.mark.parametrize(
    ("artifact", "expected"),
    [
        ("/old/mlruns/1/abc/artifacts/config.yaml", "/new/mlruns/1/abc/artifacts/config.yaml"),
        ("/a/artifacts/mlruns/1/abc/artifacts/figures/x.svg", "/new/mlruns/1/abc/artifacts/figures/x.svg"),
        ("/short/artifacts/x", "/short/artifacts/x"),
        ("/no/such/part", "/no/such/part"),
    ],
)
def test_beside(artifact, expected) -> None:
    """The last four folders of an artifact's path, beside the database; a path that has no such folders stays."""
    assert Path(expected) == beside(Path("/new/mlflow.db"), Path(artifact))
