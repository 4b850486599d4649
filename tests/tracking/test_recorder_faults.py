"""vreason_tracking.recorder when the store fails: what is lost, what is kept, what is said."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from contextlib import closing

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from tests.doubles import records
from tests.doubles.readback import answer, nested, recorder_of, rows
from vreason.errors import TrackingError
from vreason_tracking.mlflow_store import MlflowStore


@pytest.fixture
def store(tracking_uri) -> MlflowStore:
    return MlflowStore(tracking_uri, "trial")


@pytest.fixture
def client(tracking_uri) -> MlflowClient:
    return MlflowClient(tracking_uri)


def blocked(tmp_path, table, condition) -> None:
    """Make the database refuse rows, as a full disk or a lost connection would."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute(f"CREATE TRIGGER block BEFORE INSERT ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")


def unblocked(tmp_path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("DROP TRIGGER block")


def test_a_sample_that_the_store_refuses(store, client, tmp_path) -> None:
    """It is missing in MLflow, counted, and told on the run; the tables and the summary have it, and the others are whole."""
    blocked(tmp_path, "tags", "NEW.key = 'vreason.sample_id' AND NEW.value = 's-2'")
    recorder = recorder_of(store)
    replies = answer(recorder)
    recorder.finish("FINISHED")
    assert {"s-1", "s-3"} == set(nested(client, recorder.run_id))
    assert 1 == sum(recorder.lost.values())
    run = client.get_run(recorder.run_id)
    assert "FINISHED" == run.info.status
    assert run.data.tags["record.incomplete"].startswith("1 sample(s)")
    assert "disk is full" in run.data.tags["record.incomplete"]
    table = rows(client, recorder.run_id, "samples.parquet")
    assert [*replies] == [row["sample_id"] for row in table]
    assert sum(map(len, replies.values())) == len(rows(client, recorder.run_id, "steps.parquet"))
    assert records.figures(table)["accuracy"] == pytest.approx(run.data.metrics["accuracy"])


def test_a_sample_that_the_store_takes_in_part(store, client, tmp_path) -> None:
    """Once the variant is closed, none of its runs claims to be running still."""
    blocked(tmp_path, "metrics", f"NEW.step = 4 AND NEW.timestamp = {records.START_MS + 4 * records.STEP_MS} AND NEW.key = 'entropy'")
    recorder = recorder_of(store)
    answer(recorder, {"s-2": 3, "s-1": 12})
    recorder.finish("FINISHED")
    assert 1 == sum(recorder.lost.values())
    experiment = client.get_run(recorder.run_id).info.experiment_id
    assert [] == [run.info.run_name for run in client.search_runs([experiment], "attributes.status = 'RUNNING'")]


def test_summary_metrics_that_the_store_refuses(store, client, tmp_path) -> None:
    """The tables are kept all the same, the run is not left running, and what went wrong is told as a TrackingError."""
    blocked(tmp_path, "metrics", "NEW.key = 'accuracy'")
    recorder = recorder_of(store)
    replies = answer(recorder)
    with pytest.raises(TrackingError, match="disk is full"):
        recorder.finish("FINISHED")
    assert [*replies] == [row["sample_id"] for row in rows(client, recorder.run_id, "samples.parquet")]
    assert "RUNNING" != client.get_run(recorder.run_id).info.status


def test_a_store_that_is_gone_at_the_end(store, tmp_path, monkeypatch) -> None:
    """When the database takes nothing any more, the tables are not thrown away, and what is raised is a TrackingError."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    recorder = recorder_of(store)
    replies = answer(recorder)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        for table in ("metrics", "tags", "runs"):
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_lost")
    with pytest.raises(TrackingError, match=recorder.run_id):
        recorder.finish("FINISHED")
    kept = [file for file in tmp_path.rglob("samples.parquet") if file.stat().st_size]
    assert [[*replies]] == [pq.read_table(file)["sample_id"].to_pylist() for file in kept]


def test_tables_that_the_artifacts_refuse(store, tmp_path, monkeypatch) -> None:
    """When the artifact folder cannot be written, the tables stay where they were made, and the error says where."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    recorder = recorder_of(store)
    replies = answer(recorder)
    monkeypatch.setattr(store, "log_files", _full)
    with pytest.raises(TrackingError, match="No space left") as caught:
        recorder.finish("FINISHED")
    (kept,) = [file for file in tmp_path.rglob("samples.parquet") if file.stat().st_size]
    assert [*replies] == pq.read_table(kept)["sample_id"].to_pylist()
    assert str(kept.parent) in str(caught.value)


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_an_outage_in_the_middle(store, client, tmp_path) -> None:
    """Samples of an outage are counted under its reason; recording goes on when it is over."""
    recorder = recorder_of(store)
    blocked(tmp_path, "runs", "1")
    answer(recorder, {"a": 2, "b": 2})
    _drained(recorder)
    unblocked(tmp_path)
    answer(recorder, {"c": 2})
    recorder.finish("FINISHED")
    assert [2] == list(recorder.lost.values())
    assert {"c"} == set(nested(client, recorder.run_id))
    assert ["a", "b", "c"] == [row["sample_id"] for row in rows(client, recorder.run_id, "samples.parquet")]


def _drained(recorder) -> None:
    """Wait until the writer has tried everything that it was given so far."""
    waited = threading.Event()
    while sum(recorder.lost.values()) < 2:
        assert recorder._writer.is_alive()
        waited.wait(0.02)
