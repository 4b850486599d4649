"""vreason_tracking.samples: a sample's record read back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import groupby

import pytest

from tests.doubles import records
from vreason.errors import TrackingError
from vreason_tracking.mlflow_store import MlflowStore
from vreason_tracking.recorder import RunRecorder
from vreason_tracking.samples import find_run, read_sample, sample_rows


@pytest.fixture
def store(tracking_uri) -> MlflowStore:
    return MlflowStore(tracking_uri, "trial")


def record(store, name="v-reason", *samples, controller=True) -> str:
    """A finished variant with these samples, eight tokens each; returns its run id."""
    recorder = RunRecorder(store, name, {}, {}, "name: trial\n")
    for number, sample_id in enumerate(samples):
        reply = records.steps(sample_id, 9, controller=controller, start_ms=records.START_MS + 1_000 * number)
        recorder.on_steps(reply)
        recorder.on_sample(records.sample(sample_id, reply))
    recorder.finish("FINISHED")
    return recorder.run_id


def bare(store, name) -> str:
    """A variant's run and nothing in it."""
    return store.start_run(name, {"vreason.kind": "variant"})


def test_by_id_and_by_its_beginning(store) -> None:
    """A whole id and a beginning that fits no other run find the run."""
    run, other = bare(store, "x"), bare(store, "y")
    length = next(length for length in range(1, 33) if run[:length] != other[:length])
    assert run == find_run(store, run).info.run_id
    assert run == find_run(store, run[:length]).info.run_id


def test_by_name_the_newest(store) -> None:
    """Of several runs of a name the newest is meant."""
    old = store.start_run("v-reason", {"vreason.kind": "variant"}, started_ms=1_000)
    new = store.start_run("v-reason", {"vreason.kind": "variant"}, started_ms=3_000)
    store.start_run("v-reason", {"vreason.kind": "variant"}, started_ms=2_000)
    assert new == find_run(store, "v-reason").info.run_id
    assert old != new


def test_a_beginning_of_several(store) -> None:
    """It is refused, with how many it fits and what to do; nothing is guessed."""
    ids = sorted(bare(store, f"variant {number}") for number in range(17))  # two of 17 hexadecimal ids share their first digit
    digit, count = next((digit, len(same)) for digit, group in groupby(ids, key=lambda run: run[0]) if len(same := list(group)) > 1)
    with pytest.raises(TrackingError, match=f"beginning of {count} run ids; give more of it"):
        find_run(store, digit)


@pytest.mark.parametrize("name", ["nothing", "", "zz"])
def test_an_unknown_run(store, name) -> None:
    """The message names what was asked for and the runs that there are."""
    run = bare(store, "v-reason")
    with pytest.raises(TrackingError, match=f"no run {name!r}.*{run[:8]} \\(v-reason\\)"):
        find_run(store, name)


def test_no_run_at_all(store) -> None:
    """In an empty experiment the message says so."""
    with pytest.raises(TrackingError, match="none yet"):
        find_run(store, "v-reason")


def test_a_samples_own_run_is_no_variant(store) -> None:
    """The id of a nested run does not find it."""
    run = record(store, "v-reason", "s-1")
    nested = read_sample(store, run, "s-1").run_id
    with pytest.raises(TrackingError, match=f"no run '{nested}'"):
        find_run(store, nested)


def test_rows_are_the_runs_own(store) -> None:
    """Samples of another variant are not listed, and those that are come in the order in which they were answered."""
    record(store, "baseline", "s-1", "other")
    run = record(store, "v-reason", "s-2", "s-1", "s-3")
    assert ["s-2", "s-1", "s-3"] == [tags["vreason.sample_id"] for _, tags in sample_rows(store, run)]


def test_rows_of_a_batch_keep_their_order(store) -> None:
    """Samples of a batch begin at the same moment and are still listed in the order in which they were answered."""
    recorder = RunRecorder(store, "v-reason", {}, {}, "")
    names = [f"s-{number}" for number in range(6)]
    for name in names:
        recorder.on_sample(records.sample(name))
    recorder.finish("FINISHED")
    assert names == [tags["vreason.sample_id"] for _, tags in sample_rows(store, recorder.run_id)]


def test_a_sample_comes_back(store) -> None:
    """Tags, figures and series are those recorded: entropy, average and alpha for every token, the loss at updates."""
    sample = read_sample(store, record(store, "v-reason", "s-0", "s-1"), "s-1")
    reply = records.steps("s-1", 9)
    assert ("s-1", "B", "true") == tuple(sample.tags[name] for name in ("vreason.sample_id", "prediction", "correct"))
    assert {"entropy", "ema", "alpha", "loss"} == set(sample.series)
    for name in ("entropy", "ema", "alpha"):
        assert [(step.token_index, pytest.approx(getattr(step, name))) for step in reply] == list(sample.series[name])
    assert [(4, pytest.approx(reply[4].loss)), (8, pytest.approx(reply[8].loss))] == list(sample.series["loss"])


def test_a_samples_figures(store) -> None:
    """`metrics` holds score, tokens and latency, and no step's values."""
    sample = read_sample(store, record(store, "v-reason", "s-1"), "s-1")
    assert {"score": 1.0, "output_tokens": 9.0, "latency_ms": 76.0} == dict(sample.metrics)


def test_a_baseline_has_no_loss(store) -> None:
    """The series of a variant without a controller leave the loss out."""
    sample = read_sample(store, record(store, "baseline", "s-1", controller=False), "s-1")
    assert {"entropy", "ema", "alpha"} == set(sample.series)


def test_a_failed_sample_comes_back(store) -> None:
    """Without steps there are no series; the reason is there."""
    recorder = RunRecorder(store, "v-reason", {}, {}, "")
    recorder.on_sample(records.failed("s-9"))
    recorder.finish("FINISHED")
    sample = read_sample(store, recorder.run_id, "s-9")
    assert ({}, "clips/s-9.mp4: is not a video") == (sample.series, sample.tags["error"])


def test_an_unknown_sample(store) -> None:
    """The message names run and sample, and some of those that there are."""
    run = record(store, "v-reason", "s-1", "s-2")
    with pytest.raises(TrackingError, match=rf"{run[:8]} has no sample 's-7'; it has 2.*s-1, s-2"):
        read_sample(store, run, "s-7")


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
                connection.execute(
                    "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", [tag["key"], value, copy["run_uuid"]]
                )


def test_more_samples_than_a_page(store, tmp_path) -> None:
    """MLflow gives at most so many runs at once; of 1,201 samples none is lost."""
    run = record(store, "v-reason", "s-1")
    multiply(tmp_path / "mlflow.db", read_sample(store, run, "s-1").run_id, 1_200)
    expected = [*(f"copy-{number}" for number in reversed(range(1_200))), "s-1"]
    assert expected == [tags["vreason.sample_id"] for _, tags in sample_rows(store, run)]


def test_more_runs_than_a_page(store, tmp_path) -> None:
    """The oldest of 1,201 runs is found by its id."""
    multiply(tmp_path / "mlflow.db", bare(store, "v-reason"), 1_200)
    assert f"{1_199:032x}" == find_run(store, f"{1_199:032x}").info.run_id
