"""vreason_tracking.catalog.recorded_samples: a sample's record read back, from the journal and from MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.helpers import old_records, readback, records, run_states
from vreason.errors import TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.recorded_samples import read_sample, sample_of, sample_rows, sample_tags_of
from vreason_tracking.catalog.run import Run


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def record(root, store):
    """Delivers a finished variant with these samples, nine tokens each; returns its MLflow id."""

    def make(name, *samples, controller=True) -> str:
        recorder = readback.recorder_of(root, name)
        readback.answer(recorder, dict.fromkeys(samples, 9), controller)
        recorder.finish("FINISHED")
        return str(readback.deliver(recorder.folder, store).run_id)

    return make


@pytest.fixture(scope="module")
def catalog(world):
    return Catalog(world.root, world.uri, "vreason")


@pytest.fixture(scope="module")
def known(catalog):
    """A run by its variant."""
    return catalog.find


def test_rows_are_the_runs_own(store, record) -> None:
    """Samples of another variant are not listed, and those that are come in the order in which they were answered."""
    record("baseline", "s-1", "other")
    run = record("v-reason", "s-2", "s-1", "s-3")
    assert ["s-2", "s-1", "s-3"] == [tags["vreason.sample_id"] for _, tags in sample_rows(store, run)]


def test_rows_of_a_batch_keep_their_order(root, store) -> None:
    """Samples of a batch begin at the same moment and are still listed in the order in which they were answered."""
    recorder = readback.recorder_of(root)
    names = [f"s-{number}" for number in range(6)]
    for name in names:
        recorder.on_sample(records.sample(name))
    recorder.finish("FINISHED")
    run = readback.deliver(recorder.folder, store).run_id
    assert names == [tags["vreason.sample_id"] for _, tags in sample_rows(store, run)]


def test_a_sample_comes_back(store, record) -> None:
    """Tags, figures and series are those recorded: entropy, average and alpha for every token, the loss at updates."""
    sample = read_sample(store, record("v-reason", "s-0", "s-1"), "s-1")
    reply = records.steps("s-1", 9)
    assert ("s-1", "B", "true") == tuple(sample.tags[name] for name in ("vreason.sample_id", "prediction", "correct"))
    assert {"entropy", "ema", "alpha", "loss"} == set(sample.series)
    for name in ("entropy", "ema", "alpha"):
        assert [(step.token_index, pytest.approx(getattr(step, name))) for step in reply] == list(sample.series[name])
    assert [(4, pytest.approx(reply[4].loss)), (8, pytest.approx(reply[8].loss))] == list(sample.series["loss"])


def test_a_samples_figures(store, record) -> None:
    """`metrics` holds score, tokens and latency, and no step's values."""
    sample = read_sample(store, record("v-reason", "s-1"), "s-1")
    assert {"score": 1.0, "tokens/output": 9.0, "latency/total_ms": 76.0} == dict(sample.metrics)


def test_a_sample_of_the_first_version(tmp_path) -> None:
    """Out of its store and out of its journal: the same figures, by the names that they have now, and the same series."""
    unpacked = old_records.unpack(tmp_path)
    index = Catalog(unpacked.journal, unpacked.uri, "vreason").read()
    run = next(run for run in index.runs if run.mlflow_id == "67ac1ab4b09e44f6babf14c14f72ea6b")
    for name in (tags["vreason.sample_id"] for tags in sample_tags_of(run)):
        here, there = sample_of(run, name), sample_of(Run(None, run.stored, True), name)
        assert {"score", "tokens/output", "latency/total_ms"} == set(there.metrics)
        assert (here.run_id, here.metrics) == (there.run_id, there.metrics)
        assert {name: list(points) for name, points in here.series.items()} == {name: list(points) for name, points in there.series.items()}


def test_a_baseline_has_no_loss(store, record) -> None:
    """The series of a variant without a controller leave the loss out."""
    sample = read_sample(store, record("baseline", "s-1", controller=False), "s-1")
    assert {"entropy", "ema", "alpha"} == set(sample.series)


def test_a_failed_sample_comes_back(root, store, tracking_uri) -> None:
    """Without steps there are no series; the reason is there. From either side."""
    recorder = readback.recorder_of(root)
    recorder.on_sample(records.failed("s-9"))
    recorder.finish("FINISHED")
    run = readback.deliver(recorder.folder, store).run_id
    here = sample_of(Catalog(root, tracking_uri, "trial").find("v-reason"), "s-9")
    for sample in (read_sample(store, run, "s-9"), here):
        assert ({}, "clips/s-9.mp4: is not a video") == (sample.series, sample.tags["error"])


def test_an_unknown_sample(store, record) -> None:
    """The message names run and sample, and some of those that there are."""
    run = record("v-reason", "s-1", "s-2")
    with pytest.raises(TrackingError, match=rf"{run[:8]}.* has no sample 's-7'; it has 2.*s-1, s-2"):
        read_sample(store, run, "s-7")


@pytest.mark.parametrize("sample", list(readback.LENGTHS))
def test_both_sides_say_the_same(catalog, sample) -> None:
    """A sample of a delivered run, read from the journal and from MLflow: figures, series, and every tag that we have given it."""
    run = next(run for run in catalog.read().runs if run.variant == "v-reason")
    here, there = sample_of(run, sample), sample_of(Run(None, run.stored, True), sample)
    ours = {name: value for name, value in there.tags.items() if not name.startswith("mlflow.") and name != "vreason.number"}
    assert (here.run_id, here.metrics, ours) == (there.run_id, there.metrics, here.tags)
    assert {name: list(points) for name, points in there.series.items()} == {name: list(points) for name, points in here.series.items()}


@pytest.mark.parametrize("name", ["offline", "elsewhere", "v-reason"])
def test_rows_from_either_side(known, name) -> None:
    """One a sample, in the order in which they were answered, with prediction and answer."""
    rows = sample_tags_of(known(name))
    assert ["s-1", "s-2", "s-3"] == [row["vreason.sample_id"] for row in rows]
    assert [("B", "true"), ("A", "false"), ("B", "false")] == [(row["prediction"], row["correct"]) for row in rows]


def test_not_delivered_yet(known) -> None:
    """A run that is only in the journal has its samples; they have no run in MLflow."""
    sample = sample_of(known("offline"), "s-1")
    assert (None, 12, None) == (sample.run_id, len(sample.series["entropy"]), sample.note)


def test_a_sample_that_never_ended(known) -> None:
    """The message says so, and which command shows what there is."""
    with pytest.raises(TrackingError, match=r"s-3: the sample never ended: .*`vreason-track runs steps \S+ s-3` shows them"):
        sample_of(known("killed"), run_states.OPEN)


def test_damaged_steps(known) -> None:
    """The sample is there with what is intact, and with a word about the rest."""
    sample = sample_of(known("damaged"), "s-2")
    assert 6 == len(sample.series["entropy"])
    assert "1 of 7 steps" in (sample.note or "")


def test_not_in_the_journal(known) -> None:
    """A sample that the run does not have is an error here as there."""
    with pytest.raises(TrackingError, match=r"has no sample 's-7'; it has 3, for example s-1, s-2, s-3"):
        sample_of(known("offline"), "s-7")


def multiply(path, run_id, count) -> None:
    """`count` more runs like this one, a millisecond apart, each older than the last, straight into the database."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        run = dict(connection.execute("SELECT * FROM runs WHERE run_uuid = ?", [run_id]).fetchone())
        tags = [dict(row) for row in connection.execute("SELECT * FROM tags WHERE run_uuid = ?", [run_id])]
        for number in range(count):
            copy = run | {"run_uuid": f"{number:032x}", "start_time": run["start_time"] - 1 - number}
            connection.execute(f"INSERT INTO runs ({','.join(copy)}) VALUES ({','.join('?' * len(copy))})", [*copy.values()])
            for tag in tags:
                value = f"copy-{number}" if tag["key"] == "vreason.sample_id" else tag["value"]
                values = [tag["key"], value, copy["run_uuid"]]
                connection.execute("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", values)


def test_more_samples_than_a_page(store, record, tmp_path) -> None:
    """MLflow gives at most so many runs at once; of 1,201 samples none is lost."""
    run = record("v-reason", "s-1")
    multiply(tmp_path / "mlflow.db", read_sample(store, run, "s-1").run_id, 1_200)
    expected = [*(f"copy-{number}" for number in reversed(range(1_200))), "s-1"]
    assert expected == [tags["vreason.sample_id"] for _, tags in sample_rows(store, run)]


def test_more_runs_than_a_page(root, store, tracking_uri, tmp_path) -> None:
    """The oldest of 1,201 runs is found by its id."""
    multiply(tmp_path / "mlflow.db", store.start_run("v-reason", {"vreason.kind": "variant"}), 1_200)
    oldest = f"{1_199:032x}"
    assert oldest == Catalog(root, tracking_uri, "trial").find(oldest).mlflow_id
