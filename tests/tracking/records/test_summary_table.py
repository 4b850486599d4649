"""vreason_tracking.records.summary_table: a variant's summary as a table that MLflow's views and `mlflow.load_table` read."""

from __future__ import annotations

import json
from math import inf, nan
from pathlib import Path

import mlflow
import pytest

from tests.helpers import readback
from vreason_tracking.records.metrics import SUMMARY_METRICS, metric_of
from vreason_tracking.records.summary_table import NAME, listed, write_summary_table
from vreason_tracking.records.tags import TABLES_TAG

FIGURES = {"latency/mean_ms": 12.5, "memory/peak_reserved_bytes/0": 3e12, "accuracy/type/free-form": 1 / 3, "accuracy": 0.1}
OURS = {"path": "summary_table.json", "type": "table"}


@pytest.fixture
def table(store, tmp_path):
    """Delivers a run; returns its id and the summary metrics that MLflow has of it."""

    def deliver(name: str, lengths: dict[str, int]):
        run_id = readback.deliver(readback.recorded(tmp_path / "journal", lengths, name=name), store).run_id
        metrics = store.client.get_run(run_id).data.metrics
        summary = {key: value for key, value in metrics.items() if not key.startswith(("live/", "curve/", "host/", "gpu/"))}
        return run_id, summary

    return deliver


def load(store, *run_ids: str):
    """What `mlflow.load_table` makes of these runs' tables."""
    return store.client.load_table(store.experiment_id, NAME, run_ids=list(run_ids), extra_columns=["run_id"])


def test_two_delivered_runs_load_as_one_table(store, table) -> None:
    """The rows of each run are its summary metrics under its id, as exact as pandas reads JSON."""
    runs = dict([table("v-reason", readback.LENGTHS), table("baseline", {"s-1": 4, "s-2": 9})])
    frame = load(store, *runs)
    assert ["figure", "value", "unit", "better", "meaning", "run_id"] == list(frame.columns)
    found = {run_id: dict(zip(rows["figure"], rows["value"], strict=True)) for run_id, rows in frame.groupby("run_id")}
    assert {run_id: pytest.approx(summary, rel=1e-14) for run_id, summary in runs.items()} == found
    assert len(frame) == sum(map(len, runs.values()))


def test_the_file_has_the_metrics_to_the_last_bit(store, table) -> None:
    """Every summary metric of the run, and no other figure."""
    run_id, summary = table("v-reason", readback.LENGTHS)
    data = json.loads(Path(store.client.download_artifacts(run_id, NAME)).read_text(encoding="utf-8"))["data"]
    assert summary == {row[0]: row[1] for row in data}
    assert len(summary) == len(data)


def test_by_the_fluent_call(store, table, monkeypatch) -> None:
    """`mlflow.load_table` finds the run as docs/metrics.md has it."""
    run_id, summary = table("v-reason", readback.LENGTHS)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", store.experiment_id)
    assert len(summary) == len(mlflow.load_table("summary_table.json", run_ids=[run_id]))


def test_a_row_says_what_its_figure_is(tmp_path) -> None:
    """Unit, direction and meaning are those of the table of metrics, also of a name that is filled in."""
    data = json.loads(write_summary_table(FIGURES, tmp_path).read_text(encoding="utf-8"))["data"]
    rows = [metric_of(row[0]) for row in data]
    assert [[row.unit, row.better, row.meaning] for row in rows] == [row[2:] for row in data]
    assert ["accuracy/type/free-form", 1 / 3, "share", "higher", "mean score of one problem type"] == data[1]


def test_the_order_is_that_of_the_table(tmp_path) -> None:
    """Accuracy first, and the same bytes, in whatever order the figures come."""
    first = write_summary_table(FIGURES, tmp_path).read_bytes()
    names = [row[0] for row in json.loads(first)["data"]]
    assert ["accuracy", "accuracy/type/free-form", "latency/mean_ms", "memory/peak_reserved_bytes/0"] == names
    assert first == write_summary_table(dict(reversed(FIGURES.items())), tmp_path).read_bytes()


def test_as_mlflow_writes_it(store, tmp_path) -> None:
    """`mlflow.log_table` of the same rows makes the same columns, data and tag."""
    figures = {metric.name: 0.25 for metric in SUMMARY_METRICS if "{" not in metric.name}
    ours = json.loads(write_summary_table(figures, tmp_path).read_text(encoding="utf-8"))
    run_id = store.start_run("theirs", {})
    columns = dict(zip(ours["columns"], map(list, zip(*ours["data"], strict=True)), strict=True))
    store.client.log_table(run_id, columns, NAME)
    assert json.loads(Path(store.client.download_artifacts(run_id, NAME)).read_text(encoding="utf-8")) == ours
    assert store.client.get_run(run_id).data.tags[TABLES_TAG] == listed("")


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_is_null(tmp_path, value) -> None:
    """JSON has no word for it, and a page that cannot read the file shows nothing of it."""
    text = write_summary_table({"accuracy": value}, tmp_path).read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["data"][0][:2] == ["accuracy", None]


def test_an_unknown_figure_is_refused(tmp_path) -> None:
    """A summary metric without a row in the table of metrics cannot be explained, and is a fault of ours."""
    with pytest.raises(KeyError, match=r"'accuracies' fits 0 rows"):
        write_summary_table({"accuracies": 1.0}, tmp_path)


@pytest.mark.parametrize(
    ("tag", "tables"),
    [
        ("", [OURS]),
        (json.dumps([OURS]), [OURS]),
        ('[{"path": "mine.json", "type": "table"}]', [{"path": "mine.json", "type": "table"}, OURS]),
    ],
)
def test_listed_once(tag, tables) -> None:
    """Beside what is listed already, and however often it is said."""
    assert tables == json.loads(listed(tag)) == json.loads(listed(listed(tag)))
