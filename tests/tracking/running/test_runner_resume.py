"""vreason_tracking.running.runner of a call that continues an earlier one: the result is the one that an undisturbed call has. A real
model of random weights; most runs write the journal only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time

import pytest
from mlflow import MlflowClient

from tests.helpers import random_demo, readback, trials
from vreason.errors import TrackingError
from vreason_tracking.journal.codec import SampleEntry
from vreason_tracking.journal.folder import RunFolder, run_folders
from vreason_tracking.journal.lease import Lease
from vreason_tracking.journal.reader import last_end, read_events
from vreason_tracking.running.runner import run_experiment
from vreason_tracking.settings import parse_settings

OFFLINE = {"mode": "offline"}
SAMPLES, TOKENS = 4, 20  # a block of steps is 16: an interrupt between two of them is inside a sample
GREEDY = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS}
SAMPLED = GREEDY | {"do_sample": True, "temperature": 1.7}


@pytest.fixture
def asking(experiment):
    """Settings of a run that asks four questions, in batches or not, greedily or not."""

    def make(batch_size=1, generation=GREEDY, variants=trials.ONE, **sections):
        data = {"source": "demo", "limit": SAMPLES}
        return experiment(variants=variants, data=data, batch_size=batch_size, generation=generation, **({"tracking": OFFLINE} | sections))

    return make


@pytest.fixture(scope="module")
def undisturbed():
    """Results of undisturbed runs, by batch size and way of drawing; each is run once."""
    return {}


def in_one_go(asking, undisturbed, batch_size, generation):
    key = (batch_size, "do_sample" in generation)
    if key not in undisturbed:
        (result,) = run_experiment(asking(batch_size, generation))
        undisturbed[key] = readback.outcome(result.folder), _figures(result.summary), result.recorded
    return undisturbed[key]


def _figures(summary) -> dict[str, float]:
    """The summary's metrics but for those of time and memory."""
    measured = ("latency/", "memory/")
    return {name: value for name, value in summary.metrics().items() if not name.startswith(measured)}


MOMENTS = [("sample", 1), ("sample", 2), ("sample", 3), ("steps", 1), ("steps", 3), ("steps", 4)]


@pytest.mark.parametrize("generation", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize(("kind", "number"), MOMENTS)
def test_interrupted_and_continued(asking, undisturbed, kind, number, batch_size, generation) -> None:
    """Whether at a sample's end or inside of one, alone or in a batch, greedily or by chance: sample for sample and step for step the
    result is that of one go, and so are its figures.
    """
    expected, figures, recorded = in_one_go(asking, undisturbed, batch_size, generation)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(asking(batch_size, generation), [trials.Stopping(kind, number)])
    watcher = trials.Watcher()
    (result,) = run_experiment(asking(batch_size, generation), [watcher], "auto")
    assert expected == readback.outcome(result.folder)
    assert figures == pytest.approx(_figures(result.summary))
    (told,) = watcher.of("on_variant_resumed")
    assert (result.folder.run_id, SAMPLES - told.done) == (told.run_id, len(watcher.samples))
    assert [1, 2] == readback.sessions(result.folder)
    assert abs(recorded - result.recorded) < 20  # device windows depend on how long it took


def test_interrupted_again_and_again(asking, undisturbed) -> None:
    """A run that is interrupted after each of its samples comes to the same end."""
    expected, _, _ = in_one_go(asking, undisturbed, 1, GREEDY)
    for number in range(1, SAMPLES):
        with pytest.raises(KeyboardInterrupt):
            run_experiment(asking(), [trials.Stopping("sample", 1)], "auto" if number > 1 else None)
    (result,) = run_experiment(asking(), resume="auto")
    assert expected == readback.outcome(result.folder)
    assert list(range(1, SAMPLES + 1)) == readback.sessions(result.folder)


def test_in_mlflow(asking, undisturbed, tracking_uri, tmp_path) -> None:
    """Tables, summary and curves of the continued run are those of the undisturbed one."""
    with pytest.raises(KeyboardInterrupt):
        run_experiment(asking(), [trials.Stopping("steps", 3)])
    run_experiment(asking(), resume="auto")
    run_experiment(asking())
    assert [] == readback.carry(tracking_uri, *run_folders(tmp_path / "vreason-journal"))
    client = MlflowClient(tracking_uri)
    ids = [readback.read_delivered(folder.delivery_log).run_id for folder in run_folders(tmp_path / "vreason-journal")]
    for file in ("samples.parquet", "steps.parquet"):
        tables = [[readback.without_measured(row) for row in readback.rows(client, run_id, file)] for run_id in ids]
        assert (tables[0], True) == (tables[1], len(tables[0]) >= SAMPLES)
    runs = [client.get_run(run_id) for run_id in ids]
    assert {"FINISHED"} == {run.info.status for run in runs}
    for name in ("accuracy", "tokens/mean", "tokens/p95", "samples/answered", "signatures/truncated"):
        assert runs[0].data.metrics[name] == runs[1].data.metrics[name], name
    for name in ("curve/entropy", "curve/ema", "live/accuracy"):
        one, other = [[(step, value) for step, _, value in readback.series(client, run_id, name)] for run_id in ids]
        assert one == other, name


def test_nothing_left_to_do(asking) -> None:
    """A finished call is kept as it is: no question is asked, no session begins, the results are there."""
    (before,) = run_experiment(asking())
    watcher = trials.Watcher()
    (result,) = run_experiment(asking(), [watcher], "auto")
    assert (True, "FINISHED", before.folder.path) == (result.kept, result.status, result.folder.path)
    assert ([], [], [1]) == (watcher.variants, watcher.samples, readback.sessions(result.folder))
    assert (before.summary.metrics(), before.recorded) == (result.summary.metrics(), result.recorded)
    (told,) = watcher.of("on_variant_finished")
    assert (result.name, result.run_id, SAMPLES, True) == (told.variant, told.run_id, told.answered, told.kept)


def test_only_what_was_left(asking) -> None:
    """Of two variants one after the other the finished one is kept, the interrupted one continued, under the same call."""
    settings = asking(variants=trials.TWO, schedule="sequential")
    with pytest.raises(KeyboardInterrupt):
        run_experiment(settings, [trials.Stopping("sample", SAMPLES + 2)])
    watcher = trials.Watcher()
    first, second = run_experiment(settings, [watcher], "auto")
    assert [(True, [1]), (False, [1, 2])] == [(result.kept, readback.sessions(result.folder)) for result in (first, second)]
    assert [("v-reason", second.folder.run_id, 2)] == watcher.variants
    assert [("baseline", True), ("v-reason", False)] == [(each.variant, each.kept) for each in watcher.of("on_variant_finished")]
    assert 1 == len({result.folder.manifest.call_id for result in (first, second)})


def test_a_variant_that_never_began(asking) -> None:
    """It is begun by the continuation, as part of the same call and in its own place."""
    settings = asking(variants=trials.TWO, schedule="sequential")
    with pytest.raises(KeyboardInterrupt):
        run_experiment(settings, [trials.Stopping("sample", 1)])
    first, second = run_experiment(settings, resume="auto")
    manifests = [result.folder.manifest for result in (first, second)]
    assert [(0, 2), (1, 2)] == [(each.call_position, each.call_variants) for each in manifests]
    assert (1, 2) == tuple(len({getattr(each, name) for each in manifests}) for name in ("call_id", "colour"))


def test_a_changed_config(asking) -> None:
    """It is refused before any question is asked; the journal stays as it was."""
    with pytest.raises(KeyboardInterrupt):
        run_experiment(asking(), [trials.Stopping("sample", 1)])
    watcher = trials.Watcher()
    with pytest.raises(TrackingError, match="seed: 0 when it was begun, 1 now"):
        run_experiment(asking(seed=1), [watcher], "auto")
    assert ([], []) == (watcher.variants, watcher.ended)


def test_changed_weights(asking, random_model_folder, tmp_path) -> None:
    """Other weights in the same folder are noticed."""
    model = shutil.copytree(random_model_folder, tmp_path / "model")
    with pytest.raises(KeyboardInterrupt):
        run_experiment(asking(model=model), [trials.Stopping("sample", 1)])
    random_demo.save(model, seed=1)
    with pytest.raises(TrackingError, match=r"no setting differs: the weights.*\n.*differ: model"):
        run_experiment(asking(model=model), resume="auto")


def test_a_run_that_is_under_way(asking) -> None:
    """It is refused, naming the process; its journal is not touched."""
    with pytest.raises(KeyboardInterrupt):
        run_experiment(asking(), [trials.Stopping("sample", 1)])
    (folder,) = run_folders(asking().tracking.journal_folder())
    before = {path.name: path.read_bytes() for path in folder.path.iterdir() if path.name != "lease"}
    watcher = trials.Watcher()
    with Lease(folder.lease), pytest.raises(TrackingError, match=rf"in use by process {os.getpid()} on .*two processes never own one run"):
        run_experiment(asking(), [watcher], folder.run_id)
    assert before == {path.name: path.read_bytes() for path in folder.path.iterdir() if path.name != "lease"}
    assert [] == watcher.samples


class Meanwhile(trials.Watcher):
    """Another call is made when the first variant has ended."""

    def __init__(self, call) -> None:
        super().__init__()
        self.call = call

    def on_variant_finished(self, variant):
        super().on_variant_finished(variant)
        if len(self.ended) == 1:
            self.call()


def test_somebody_else_was_faster(asking) -> None:
    """A variant that another call finishes meanwhile is not answered once more: what a plan says may be old when its turn comes."""
    settings = asking(variants=trials.TWO, schedule="sequential")
    with pytest.raises(KeyboardInterrupt):
        run_experiment(settings, [trials.Stopping("sample", 1)])
    run_experiment(settings, resume="auto")
    second = next(folder for folder in run_folders(settings.tracking.journal_folder()) if folder.manifest.variant == "v-reason")
    _cut_to(second, 1)
    watcher = Meanwhile(lambda: run_experiment(asking(variants=trials.TWO[1:]), resume=second.run_id))
    with contextlib.suppress(TrackingError):  # to refuse would be as good as to keep
        run_experiment(settings, [watcher], "auto")
    assert [] == watcher.samples
    assert "FINISHED" == last_end(second).status


def _cut_to(folder: RunFolder, samples: int) -> None:
    """As if the run had been killed after so many samples."""
    count = 0
    for _, path in folder.fragments():
        if count >= samples:
            path.unlink()
        count += path.read_bytes().count(b'["sample"') if path.exists() else 0


@pytest.mark.slow
def test_two_at_once(asking, random_model_folder, tmp_path) -> None:
    """Of two processes that continue a run at the same time exactly one does; the other is told which, and no question is asked twice."""
    generation = {"max_new_tokens": 60, "min_new_tokens": 60}
    data = {"source": "demo", "limit": 40}
    text = trials.trial(random_model_folder, variants=trials.ONE, data=data, generation=generation, tracking=OFFLINE)
    (tmp_path / "trial.yaml").write_text(text)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(parse_settings(text), [trials.Stopping("sample", 1)])
    (folder,) = run_folders(tmp_path / "vreason-journal")
    command = [sys.executable, "-c", "from vreason_cli.main import main; main()", "run", "-c", "trial.yaml", "--resume", folder.run_id]
    both = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(2)
    ]
    end = time.monotonic() + 120
    while all(process.poll() is None for process in both) and time.monotonic() < end:
        time.sleep(0.05)
    loser = next(process for process in both if process.poll() is not None)
    (winner,) = [process for process in both if process is not loser]
    _, err = loser.communicate()
    _, winners_err = winner.communicate(timeout=120)
    assert (5, 0) == (loser.returncode, winner.returncode), winners_err
    assert f"in use by process {winner.pid} on" in err
    names = [event.sample.sample_id for event in read_events(folder) if isinstance(event, SampleEntry)]
    assert (40, 40) == (len(names), len(set(names)))
    assert ([1, 2], "FINISHED") == (readback.sessions(folder), last_end(folder).status)
