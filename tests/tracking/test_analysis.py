"""vreason_tracking.analysis: what Python gets of recorded runs is what the record holds, and what the commands print."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import vreason_tracking
from tests.helpers.bundle_world import SAMPLES, BundleWorld
from vreason.errors import ConfigError, TrackingError
from vreason_tracking.records import metric_names


@pytest.fixture
def places(bundles: BundleWorld) -> dict[str, str]:
    return {"uri": bundles.uri, "journal": str(bundles.root)}


def test_a_run(places: dict[str, str], bundles: BundleWorld) -> None:
    """Its samples and steps, whole and by column; the summary is that of MLflow."""
    run = vreason_tracking.load_run("v-reason", **places)
    assert ("v-reason", "FINISHED") == (run.variant, run.status)
    samples = run.samples(["sample_id", "score", "output_tokens"])
    assert (SAMPLES, ["sample_id", "score", "output_tokens"]) == (samples.num_rows, samples.column_names)
    assert sum(samples.column("output_tokens").to_pylist()) == run.steps().table().num_rows
    stored = bundles.catalog.find("v-reason").stored
    assert stored is not None
    for name in (metric_names.ACCURACY, "tokens/mean", "latency/mean_ms"):
        assert stored.metrics[name] == pytest.approx(run.summary[name]), name
    assert run.accuracy == stored.metrics[metric_names.ACCURACY]
    assert "run" in run.identity


def test_steps_come_in_parts(places: dict[str, str], tmp_path: Path) -> None:
    """A part of the file at a time, in the order of the file; of one sample, its own alone; as pandas the same."""
    run = vreason_tracking.load_run("v-reason", **places)
    whole = run.steps(["sample_id", "token_index", "entropy"])
    parts = list(whole)
    assert whole.table().to_pylist() == [row for part in parts for row in part.to_pylist()]
    first = run.samples(["sample_id"]).column("sample_id")[0].as_py()
    own = whole.to_pandas(first)
    assert [first] == list(own["sample_id"].unique())
    assert list(range(len(own))) == list(own["token_index"])
    assert ["entropy"] == run.steps(["entropy"]).table(first).column_names
    assert 0 == run.steps(["entropy"]).table("nobody").num_rows


def test_many_steps_are_not_held_at_once(places: dict[str, str], tmp_path: Path) -> None:
    """Only the part that is looked at: no more rows than a row group has."""
    run = vreason_tracking.load_run("v-reason", **places)
    table = run.steps().table()
    path = tmp_path / "steps.parquet"
    pq.write_table(table, path, row_group_size=16, write_page_checksum=True)
    steps = vreason_tracking.Steps(run, path, ["entropy"])
    sizes = [part.num_rows for part in steps]
    assert (16, table.num_rows) == (max(sizes), sum(sizes))


def test_the_files_stay_as_long_as_the_run(places: dict[str, str]) -> None:
    """Steps alone keep them, too."""
    steps = vreason_tracking.load_run("baseline", **places).steps(["entropy"])
    gc.collect()
    assert steps.table().num_rows > 0


def test_what_is_not_there(places: dict[str, str]) -> None:
    """A run, a column: by name, with the nearest right one."""
    with pytest.raises(TrackingError, match="no run"):
        vreason_tracking.load_run("nobody", **places)
    run = vreason_tracking.load_run("baseline", **places)
    with pytest.raises(ConfigError, match="'entropie' is no field of StepRecord; did you mean entropy"):
        run.steps(["entropie"])
    with pytest.raises(ConfigError, match="'scor' is no field of SampleRecord"):
        run.samples(["scor"])


def test_a_comparison_is_the_command_s(places: dict[str, str], bundles: BundleWorld, program: Callable[..., Any], tmp_path: Path) -> None:
    """The same document, verdicts and tables; in a notebook it shows itself, without anything from elsewhere."""
    found = vreason_tracking.compare(["baseline", "v-reason"], **places)
    done = program("compare", "baseline", "v-reason", *bundles.places, "--no-log", "--json", tmp_path / "c.json")
    assert 0 == done.code, done.err
    assert json.loads((tmp_path / "c.json").read_text()) == json.loads(json.dumps(found.to_dict()))
    assert found.verdicts == found.to_dict()["verdicts"]
    assert "Accuracy" in next(iter(found.tables))
    assert {"entropy"} <= {figure.name for figure in found.figures}
    shown = found._repr_html_()
    assert found.verdicts[0].split(";")[0] in shown
    assert "<table>" in shown
    assert "http" not in shown
    assert found.verdicts[0] in repr(found)
    assert found.to_html().startswith("<!DOCTYPE html>")


def test_one_run_is_no_comparison(places: dict[str, str]) -> None:
    """One alone is no comparison."""
    with pytest.raises(TrackingError, match="needs two runs"):
        vreason_tracking.compare(["baseline"], **places)


def test_the_page_of_records_runs(bundles: BundleWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The Python of docs/records.md, where the two runs are."""
    text = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", bundles.uri)
    monkeypatch.setenv("VREASON_JOURNAL", str(bundles.root))
    exec(compile(block, "records.md", "exec"), {})
    assert "v-reason: " in capsys.readouterr().out
