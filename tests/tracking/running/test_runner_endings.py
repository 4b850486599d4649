"""vreason_tracking.running.runner when something goes wrong: broken videos, a model that is refused, Ctrl-C, SIGTERM, listeners and stores
that fail.

Most runs here write the journal only, and are then carried to MLflow in this process, which is quicker than a process for each.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.helpers import clips, readback, trials
from vreason.errors import TrackingError, UnsupportedGenerationError, UnsupportedModelError
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.lease import is_held
from vreason_tracking.journal.reader import last_end
from vreason_tracking.running.runner import Experiment, run_experiment
from vreason_tracking.running.signals import Terminated

OFFLINE = {"mode": "offline"}


def all_runs(uri):
    client = MlflowClient(uri)
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def variants_of(uri):
    return {run.info.run_name: run for run in all_runs(uri) if run.data.tags["vreason.kind"] == "variant"}


def nested_of(uri):
    return {run.info.run_name: run for run in all_runs(uri) if run.data.tags["vreason.kind"] == "sample"}


def journals(tmp_path):
    return list(run_folders(tmp_path / "vreason-journal"))


def carry(uri, tmp_path) -> None:
    """Deliver everything in the journal."""
    assert [] == readback.carry(uri, *journals(tmp_path))


def test_a_model_that_is_not_there(experiment, tracking_uri, tmp_path) -> None:
    """Without a model no run is opened."""
    with pytest.raises(UnsupportedModelError, match="nowhere/at-all"):
        run_experiment(experiment(model="./nowhere/at-all"))
    assert ([], []) == (all_runs(tracking_uri), journals(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["sqlite:///text.db", "gopher://me:s3cret@localhost"])
def test_a_store_that_is_none(experiment, tmp_path, uri) -> None:
    """It is refused before any question is asked; nothing is left in the journal."""
    (tmp_path / "text.db").write_text("dear diary, " * 100)
    watcher = trials.Watcher()
    with pytest.raises(TrackingError) as caught:
        run_experiment(experiment(tracking={"uri": uri}), [watcher])
    assert ([], [], []) == (watcher.variants, watcher.samples, journals(tmp_path))
    assert "s3cret" not in str(caught.value)


def test_a_journal_that_cannot_be_written(experiment, tmp_path) -> None:
    """A run without a record is worth nothing: it is not begun."""
    (tmp_path / "vreason-journal").write_text("a file")
    watcher = trials.Watcher()
    with pytest.raises(TrackingError, match="vreason-journal"):
        run_experiment(experiment(tracking=OFFLINE), [watcher])
    assert [] == watcher.samples


def test_a_broken_video_is_its_samples_error(experiment, tracking_uri, tmp_path) -> None:
    """The sample has failed and names its file, the others are answered, the run is finished."""
    clips.write_clip(tmp_path / "good.mp4", 16, size=(84, 84))
    (tmp_path / "broken.mp4").write_bytes(b"no video at all" * 100)
    names = ("broken", "good", "gone")
    rows = [f'{{"id": "{name}", "video": "{name}.mp4", "question": "Which colour?", "answer": "red"}}' for name in names]
    (tmp_path / "data.jsonl").write_text("\n".join(rows))
    watcher = trials.Watcher()
    (result,) = run_experiment(experiment(data={"source": str(tmp_path / "data.jsonl")}, tracking=OFFLINE), [watcher])
    carry(tracking_uri, tmp_path)
    assert ("FINISHED", 1, 2) == (result.status, result.summary.answered, result.summary.failed)
    assert ["broken", "good", "gone"] == [sample.sample_id for sample in watcher.samples]
    nested = nested_of(tracking_uri)
    assert {"broken": "FAILED", "good": "FINISHED", "gone": "FAILED"} == {name: run.info.status for name, run in nested.items()}
    assert "broken.mp4" in nested["broken"].data.tags["error"]
    assert "gone.mp4" in nested["gone"].data.tags["error"]


def test_an_error_in_the_middle(experiment, tracking_uri, random_model_folder, tmp_path) -> None:
    """A model that asks for beam search is refused when it is to answer: the run has failed and says why; no further variant begins."""
    model = shutil.copytree(random_model_folder, tmp_path / "beams")
    text = (model / "generation_config.json").read_text()
    (model / "generation_config.json").write_text(text.replace("{", '{"num_beams": 4,', 1))
    begun = Experiment(experiment(model=model, variants=trials.TWO, schedule="sequential", tracking=OFFLINE))
    with pytest.raises(UnsupportedGenerationError):
        begun.run()
    carry(tracking_uri, tmp_path)
    found = variants_of(tracking_uri)
    assert {"baseline": "FAILED"} == {name: run.info.status for name, run in found.items()}
    assert "num_beams=4" in found["baseline"].data.tags["error"]
    assert [("baseline", "FAILED")] == [(result.name, result.status) for result in begun.results]
    assert "num_beams=4" in (begun.results[0].error or "")


def terminate() -> None:
    """What a scheduler does."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)


ENDS = {
    "Ctrl-C": (None, KeyboardInterrupt, "interrupted from the keyboard"),
    "SIGTERM": (terminate, Terminated, "terminated (SIGTERM)"),
}


@pytest.mark.parametrize("how", ENDS)
def test_an_interrupt_keeps_what_is_done(experiment, tracking_uri, tmp_path, how) -> None:
    """After the second sample: the run is killed and says why, both samples are kept, no further variant begins."""
    act, raised, reason = ENDS[how]
    watcher = trials.Stopping("sample", 2, act)
    begun = Experiment(experiment(variants=trials.TWO, schedule="sequential", tracking=OFFLINE), [watcher])
    with pytest.raises(raised):
        begun.run()
    carry(tracking_uri, tmp_path)
    found = variants_of(tracking_uri)
    assert {"baseline": ("KILLED", reason)} == {name: (run.info.status, run.data.tags["error"]) for name, run in found.items()}
    done = {sample.sample_id for sample in watcher.samples}
    assert done == set(nested_of(tracking_uri))
    rows = readback.rows(MlflowClient(tracking_uri), found["baseline"].info.run_id, "samples.parquet")
    assert done == {row["sample_id"] for row in rows}
    assert [("baseline", "KILLED", 2, reason)] == [(each.name, each.status, each.summary.answered, each.error) for each in begun.results]
    assert [("baseline", "KILLED")] == watcher.ended
    (folder,) = journals(tmp_path)
    assert not is_held(folder.lease)


@pytest.mark.parametrize("how", ENDS)
def test_an_interrupt_as_a_variant_begins(experiment, tracking_uri, tmp_path, how) -> None:
    """At any moment after a run was opened it is closed: nothing claims to be running still."""
    act, raised, reason = ENDS[how]
    with pytest.raises(raised):
        run_experiment(experiment(tracking=OFFLINE), [trials.Stopping("variant", 1, act)])
    carry(tracking_uri, tmp_path)
    assert {"v-reason": "KILLED"} == {name: run.info.status for name, run in variants_of(tracking_uri).items()}
    assert reason == last_end(journals(tmp_path)[0]).error


@pytest.mark.slow
def test_an_interrupt_is_delivered(experiment, tracking_uri, tmp_path) -> None:
    """Beside a store that is there, what was done is in MLflow when the call comes back, and the run is KILLED there too."""
    begun = Experiment(experiment(), [trials.Stopping("sample")])
    with pytest.raises(KeyboardInterrupt):
        begun.run()
    (result,) = begun.results
    run = MlflowClient(tracking_uri).get_run(result.run_id)
    assert ("KILLED", 1) == (run.info.status, len(nested_of(tracking_uri)))
    assert 0 < result.recorded == result.delivered


class Failing(trials.Watcher):
    """A listener that breaks at every sample."""

    def on_sample(self, sample):
        raise ValueError("no paper in the printer")


def test_a_failing_listener(experiment, tracking_uri, tmp_path) -> None:
    """It stops nothing and does not hide: the notes name it and how often it failed, in MLflow too; the record is whole."""
    with pytest.warns(RuntimeWarning, match="listener Failing failed"):
        (result,) = run_experiment(experiment(tracking=OFFLINE), [Failing()])
    carry(tracking_uri, tmp_path)
    assert ("FINISHED", 3, 3) == (result.status, result.summary.answered, len(nested_of(tracking_uri)))
    assert ("listener Failing failed 3 time(s)",) == result.notes
    assert result.notes[0] == variants_of(tracking_uri)["v-reason"].data.tags["notes"]


@pytest.mark.slow
def test_samples_that_the_store_refuses(experiment, tracking_uri, tmp_path) -> None:
    """The run goes on and is whole in the journal; the result says that MLflow refuses it and why; fixed, it is delivered whole."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        condition = "NEW.key = 'vreason.kind' AND NEW.value = 'sample'"
        connection.execute(f"CREATE TRIGGER block BEFORE INSERT ON tags WHEN {condition} BEGIN SELECT RAISE(ABORT, 'no samples here'); END")
    watcher = trials.Watcher()
    (result,) = run_experiment(experiment(), [watcher])
    assert ("FINISHED", 3) == (result.status, result.summary.answered)
    assert "no samples here" in result.rejected
    assert [notice for notice in watcher.notices if "refuses run" in notice and "no samples here" in notice]
    assert result.delivered < result.recorded
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("DROP TRIGGER block")
    carry(tracking_uri, tmp_path)
    assert ("FINISHED", 3) == (variants_of(tracking_uri)["v-reason"].info.status, len(nested_of(tracking_uri)))


@pytest.mark.slow
def test_a_dead_server(experiment, tmp_path) -> None:
    """Every question is answered and recorded, the end waits a few seconds, and the result says that nothing was delivered."""
    watcher = trials.Watcher()
    start = time.monotonic()
    (result,) = run_experiment(experiment(tracking={"uri": "http://me:s3cret@127.0.0.1:1"}), [watcher])
    assert time.monotonic() - start < 60
    assert ("FINISHED", 3, 0) == (result.status, result.summary.answered, result.delivered)
    assert (True, None, result.folder.run_id) == (result.recorded > 0, result.experiment_id, result.run_id)
    assert [notice for notice in watcher.notices if "is unavailable" in notice]
    assert "s3cret" not in str(watcher.notices)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_offline(experiment, tracking_uri, tmp_path) -> None:
    """Only the journal is written, MLflow is not even imported by the run, and delivering it later makes the record whole."""
    before = Path(tracking_uri.removeprefix("sqlite:///")).stat().st_mtime_ns
    (result,) = run_experiment(experiment(tracking=OFFLINE))
    assert before == Path(tracking_uri.removeprefix("sqlite:///")).stat().st_mtime_ns
    assert ("offline", 0, None) == (result.folder.manifest.mode, result.delivered, result.experiment_id)
    carry(tracking_uri, tmp_path)
    assert 3 == len(nested_of(tracking_uri))


@pytest.mark.slow
def test_what_waits_is_delivered_by_the_next_call(experiment, tracking_uri, tmp_path) -> None:
    """A run that could not be delivered when it ended goes along with the next one; one that was meant to stay offline does not."""
    waiting = readback.recorded(tmp_path / "vreason-journal", experiment="vreason", tracking_uri=tracking_uri)
    offline = readback.recorded(tmp_path / "vreason-journal", experiment="vreason", tracking_uri=tracking_uri, mode="offline")
    elsewhere = readback.recorded(tmp_path / "vreason-journal", experiment="vreason", tracking_uri="sqlite:////elsewhere/mlflow.db")
    run_experiment(experiment())
    marks = [readback.read_delivered(folder.delivery_log) for folder in (waiting, offline, elsewhere)]
    assert ["FINISHED", None, None] == [each.status for each in marks]


@pytest.mark.slow
def test_a_damaged_run_of_the_past(experiment, tmp_path) -> None:
    """Whatever became of another run's folder, a new run is begun, recorded and delivered."""
    broken, torn = readback.recorded(tmp_path / "vreason-journal"), readback.recorded(tmp_path / "vreason-journal")
    (broken.path / "run.json").write_text("{")
    (torn.path / "run.json").write_text((torn.path / "run.json").read_text().replace('"format": 1', '"format": 99'))
    (result,) = run_experiment(experiment())
    assert ("FINISHED", True) == (result.status, 0 < result.recorded == result.delivered)


def test_a_dead_run_of_the_past(experiment, tracking_uri, tmp_path) -> None:
    """A run whose process died is closed as KILLED and told of; it is not taken for one that goes on."""
    recorder = readback.recorder_of(tmp_path / "vreason-journal", "old")
    readback.answer(recorder, {"s-1": 3})
    recorder._writer.close()
    recorder._lease.release()
    watcher = trials.Watcher()
    run_experiment(experiment(tracking=OFFLINE), [watcher])
    assert [f"run {recorder.folder.run_id} (old): its process is gone, it is closed as KILLED"] == watcher.notices
    assert "KILLED" == last_end(recorder.folder).status
