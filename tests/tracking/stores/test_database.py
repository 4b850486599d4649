"""vreason_tracking.stores.database: the MLflow database behind an address made ready, whichever kind it is."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from mlflow import MlflowClient

from vreason.errors import TrackingUnavailableError
from vreason_tracking.stores.database import prepare


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "http://localhost:50O0", "mysql://u:p@127.0.0.1:1/db", "databricks", "./mlruns"])
def test_others_look_after_themselves(uri, tmp_path, monkeypatch) -> None:
    """Nothing is created, asked or waited for where the store is neither a SQLite file nor PostgreSQL."""
    monkeypatch.chdir(tmp_path)
    prepare(uri)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_postgresql(scheme) -> None:
    """Each is asked, with psycopg 3, and not left to MLflow, which would try for minutes."""
    with pytest.raises(TrackingUnavailableError, match=r"^postgresql\+psycopg://u:\*\*\*@127\.0\.0\.1:1/db: .*refused"):
        prepare(f"{scheme}://u:secret@127.0.0.1:1/db")


FIRST_RUN = """
import sys
from mlflow import MlflowClient
from mlflow.store.db import utils
from vreason_tracking.stores.mlflow_store import MlflowStore
create = utils._initialize_tables
utils._initialize_tables = lambda engine: (print("created", flush=True), create(engine))
print("ready", flush=True)
sys.stdin.readline()
store = MlflowStore(sys.argv[1], "shared")
run = store.start_run(sys.argv[2], {})
store.log(run, [("entropy", 0.5, 1, 0)])
store.end_run(run, "FINISHED")
"""


@pytest.fixture
def empty_postgres(postgres):
    """The address of a database in which nothing was ever made."""
    name = postgres.create()
    yield postgres.uri(name)
    postgres.drop(name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_create_it_at_once(kind, tmp_path, request) -> None:
    """Two first runs that start together both record, into one experiment of a sound database, which one of them has made."""
    uri = f"sqlite:///{tmp_path}/mlflow.db" if kind == "sqlite" else request.getfixturevalue("empty_postgres")
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    both = [subprocess.Popen([sys.executable, "-c", FIRST_RUN, uri, name], cwd=tmp_path, text=True, **pipes) for name in ("a", "b")]
    assert ["ready\n", "ready\n"] == [process.stdout.readline() for process in both]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=250) for process in both]
    assert [0, 0] == [process.returncode for process in both], told
    assert ["", "created\n"] == sorted(out for out, _ in told)
    client = MlflowClient(uri)
    (experiment,) = [found for found in client.search_experiments() if found.name == "shared"]
    runs = client.search_runs([experiment.experiment_id])
    assert {("a", "FINISHED", 0.5), ("b", "FINISHED", 0.5)} == {
        (run.info.run_name, run.info.status, run.data.metrics["entropy"]) for run in runs
    }
    if kind == "sqlite":
        with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
            assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
