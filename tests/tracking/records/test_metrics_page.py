"""vreason_tracking.records.metrics_page: docs/metrics.md out of the one table of metrics."""

from __future__ import annotations

import re
import runpy
import sys
from dataclasses import astuple
from pathlib import Path

import pytest

from tests.helpers import readback, records
from vreason_tracking.records.metrics import TABLES, metric_of
from vreason_tracking.records.metrics_page import render

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
BELOW = "## Step metrics"


def rows() -> list[list[str]]:
    """The cells of every row of the tables of metrics, as a reader of the rendered page sees them."""
    lines = [line for line in render().split(BELOW)[1].splitlines() if line.startswith("| `")]
    cells = [re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |")) for line in lines]
    return [[re.sub(r"\\([\\|<*])", r"\1", cell).strip("`") for cell in row] for row in cells]


@pytest.fixture
def delivered(store, tmp_path):
    """The ids of a run with everything that has a name of its own, and of its samples' runs."""
    recorder = readback.recorder_of(tmp_path / "journal")
    readback.answer(recorder)
    changes = {"category": "größer / a.b", "problem_type": "free-form", "peak_allocated_bytes": (5, 6), "peak_reserved_bytes": (7, 8)}
    reply = records.steps("s-4", 9)
    recorder.on_steps(reply)
    recorder.on_sample(records.sample("s-4", reply, signatures=("truncated",), **changes))
    recorder.on_sample(records.failed())
    for device in ("host", "gpu.0", "gpu.11"):
        recorder.on_device(records.device(device))
    recorder.finish("FINISHED")
    run_id = readback.deliver(recorder.folder, store).run_id
    return [run_id, *(run.info.run_id for run in readback.nested(store.client, run_id).values())]


def test_every_row_of_the_table_is_on_the_page() -> None:
    """Name, unit, direction and meaning, in the table's order, word for word."""
    assert [list(astuple(metric)) for table in TABLES for metric in table] == rows()


def test_every_row_says_all() -> None:
    """A unit, one of the three directions and a meaning each."""
    assert [] == [row for row in rows() if len(row) != 4 or not all(cell.strip() for cell in row)]
    assert {"higher", "lower", "neither"} == {better for _, _, better, _ in rows()}


def test_every_metric_of_a_delivered_run_has_one_row(store, delivered) -> None:
    """Whatever name MLflow holds of a variant and its samples is found on the page, once."""
    recorded = {name for run_id in delivered for name in store.client.get_run(run_id).data.metrics}
    assert {"loss", "score", "curve/ema", "live/failed", "gpu/11/power_watts", "memory/peak_reserved_bytes/1"} <= recorded
    assert "accuracy/category/größer :2f: a.b" in recorded
    names = [row[0] for row in rows()]
    assert [] == [name for name in recorded if 1 != names.count(metric_of(name).name)]


def test_no_row_is_never_recorded(store, delivered) -> None:
    """A run with everything has a metric for each row."""
    recorded = {name for run_id in delivered for name in store.client.get_run(run_id).data.metrics}
    assert set() == {row[0] for row in rows()} - {metric_of(name).name for name in recorded}


def test_each_group_says_what_its_step_is() -> None:
    """A heading a table, and below it where the values lie and what the step counts."""
    sections = render().split("\n## ")[1:]
    assert len(TABLES) == len(sections)
    assert [] == [section.splitlines()[0] for section in sections if "step = " not in section.split("| name")[0]]


def test_nothing_is_taken_for_markup() -> None:
    """A tag in a meaning is shown, not swallowed."""
    assert r"the reply has no \<answer> tag" in render()


def test_the_page_is_up_to_date() -> None:
    """docs/metrics.md is what the table says today; `make docs` writes it anew."""
    assert render() == DOCS.read_text(encoding="utf-8")


def test_as_a_program(tmp_path, monkeypatch) -> None:
    """`python -m vreason_tracking.records.metrics_page FILE` writes the page into the file."""
    monkeypatch.setattr(sys, "argv", ["metrics_page", str(tmp_path / "metrics.md")])
    monkeypatch.delitem(sys.modules, "vreason_tracking.records.metrics_page")
    runpy.run_module("vreason_tracking.records.metrics_page", run_name="__main__")
    assert render() == (tmp_path / "metrics.md").read_text(encoding="utf-8")
