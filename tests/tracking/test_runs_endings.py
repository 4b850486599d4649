"""vreason_tracking.runs when something goes wrong: broken videos, a model that is refused, Ctrl-C, listeners and stores that fail."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from tests.doubles import clips, trials
from vreason.errors import UnsupportedGenerationError, UnsupportedModelError
from vreason_tracking.runs import run_experiment


def test_a_model_that_is_not_there(experiment, tracking_uri) -> None:
    """Without a model no run is opened."""
    with pytest.raises(UnsupportedModelError, match="nowhere/at-all"):
        run_experiment(experiment(model="./nowhere/at-all"), trials.Watcher())
    assert [] == all_runs(tracking_uri)


def all_runs(uri):
    client = MlflowClient(uri)
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def variants_of(uri):
    return {run.info.run_name: run for run in all_runs(uri) if run.data.tags["vreason.kind"] == "variant"}


def test_a_broken_video_is_its_samples_error(experiment, tracking_uri, tmp_path) -> None:
    """The sample has failed and names its file, the others are answered, the run is finished."""
    clips.write_clip(tmp_path / "good.mp4", 16, size=(84, 84))
    (tmp_path / "broken.mp4").write_bytes(b"no video at all" * 100)
    names = ("broken", "good", "gone")
    rows = [f'{{"id": "{name}", "video": "{name}.mp4", "question": "Which colour?", "answer": "red"}}' for name in names]
    (tmp_path / "data.jsonl").write_text("\n".join(rows))
    watcher = trials.Watcher()
    (result,) = run_experiment(experiment(data={"source": str(tmp_path / "data.jsonl")}), watcher)
    assert ("FINISHED", 1, 2) == (result.status, result.summary.answered, result.summary.failed)
    assert ["broken", "good", "gone"] == [sample.sample_id for sample in watcher.samples]
    nested = {run.info.run_name: run for run in all_runs(tracking_uri) if run.data.tags["vreason.kind"] == "sample"}
    assert {"broken": "FAILED", "good": "FINISHED", "gone": "FAILED"} == {name: run.info.status for name, run in nested.items()}
    assert "broken.mp4" in nested["broken"].data.tags["error"]
    assert "gone.mp4" in nested["gone"].data.tags["error"]


def test_an_error_in_the_middle(experiment, tracking_uri, random_model_folder, tmp_path) -> None:
    """A model that asks for beam search is refused when it is to answer: the run has failed and says why."""
    model = shutil.copytree(random_model_folder, tmp_path / "beams")
    text = (model / "generation_config.json").read_text()
    (model / "generation_config.json").write_text(text.replace("{", '{"num_beams": 4,', 1))
    watcher = trials.Watcher()
    with pytest.raises(UnsupportedGenerationError):
        run_experiment(experiment(model=model, variants=trials.TWO), watcher)
    found = variants_of(tracking_uri)
    assert {"baseline"} == set(found)
    assert "FAILED" == found["baseline"].info.status
    assert "num_beams=4" in found["baseline"].data.tags["error"]
    assert [("baseline", "FAILED")] == [(result.name, result.status) for result in watcher.results]


class Interrupting(trials.Watcher):
    """Presses Ctrl-C at a moment of choice."""

    def __init__(self, moment) -> None:
        super().__init__()
        self.moment = moment

    def on_variant(self, name, run_id):
        super().on_variant(name, run_id)
        if self.moment == "variant":
            raise KeyboardInterrupt

    def on_sample(self, sample):
        super().on_sample(sample)
        if self.moment == len(self.samples):
            raise KeyboardInterrupt


def test_an_interrupt_keeps_what_is_done(experiment, tracking_uri) -> None:
    """Ctrl-C after the second sample: the run is killed, both samples are in MLflow and in the tables, no further variant begins."""
    watcher = Interrupting(2)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment(variants=trials.TWO), watcher)
    found = variants_of(tracking_uri)
    assert {"baseline": "KILLED"} == {name: run.info.status for name, run in found.items()}
    done = {sample.sample_id for sample in watcher.samples}
    assert done == {run.info.run_name for run in all_runs(tracking_uri)} - {"baseline"}
    path = MlflowClient(tracking_uri).download_artifacts(found["baseline"].info.run_id, "samples.parquet")
    assert done == set(pq.read_table(path)["sample_id"].to_pylist())
    assert ["KILLED"] == [result.status for result in watcher.results]


def test_an_interrupt_as_a_variant_begins(experiment, tracking_uri) -> None:
    """Ctrl-C at any moment after a run was opened closes it: nothing claims to be running still."""
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment(), Interrupting("variant"))
    assert {"v-reason": "KILLED"} == {name: run.info.status for name, run in variants_of(tracking_uri).items()}


class Failing(trials.Watcher):
    """A listener that breaks at every sample."""

    def on_sample(self, sample):
        raise ValueError("no paper in the printer")


def test_a_failing_listener(experiment, tracking_uri) -> None:
    """It stops nothing and does not hide: the notes name it and how often it failed; the record is whole."""
    with pytest.warns(RuntimeWarning, match="observer Failing failed"):
        (result,) = run_experiment(experiment(), Failing())
    assert ("FINISHED", 3, 3) == (result.status, result.summary.answered, len(all_runs(tracking_uri)) - 1)
    (note,) = result.notes
    assert "Failing" in note
    assert "3 time(s)" in note


def test_samples_that_the_store_refuses(experiment, tracking_uri, tmp_path) -> None:
    """They are in the notes with their number and the reason; the run goes on."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        condition = "NEW.key = 'vreason.kind' AND NEW.value = 'sample'"
        connection.execute(f"CREATE TRIGGER block BEFORE INSERT ON tags WHEN {condition} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    (result,) = run_experiment(experiment(), trials.Watcher())
    (note,) = result.notes
    assert note.startswith("3 sample(s) not written")
    assert "disk is full" in note
    path = MlflowClient(tracking_uri).download_artifacts(result.run_id, "samples.parquet")
    assert 3 == pq.read_table(path).num_rows
