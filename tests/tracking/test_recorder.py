"""vreason_tracking.recorder: a variant's record in MLflow. Everything is read back through MLflow's own API."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from mlflow import MlflowClient

from tests.doubles import records
from tests.doubles.readback import CONFIG, LENGTHS, answer, nested, recorder_of, rows, series
from vreason_tracking.metrics import STEP_METRICS
from vreason_tracking.mlflow_store import MlflowStore
from vreason_tracking.recorder import sample_tags

STEP_NAMES = {metric.name for metric in STEP_METRICS}
CONTROLLER = {"loss", "delta_v_norm", "grad_norm", "value_cosine"}


@pytest.fixture
def store(tracking_uri) -> MlflowStore:
    return MlflowStore(tracking_uri, "trial")


@pytest.fixture
def client(tracking_uri) -> MlflowClient:
    return MlflowClient(tracking_uri)


@pytest.fixture
def recorded(store):
    """A finished variant: three answered samples, a failed one. Returns run id and replies."""
    recorder = recorder_of(store)
    replies = answer(recorder)
    recorder.on_sample(records.failed("s-4"))
    recorder.finish("FINISHED")
    return recorder.run_id, replies


def test_the_variants_run(recorded, client) -> None:
    """Its name, parameters and tags are those given; it has no parent and is finished."""
    run = client.get_run(recorded[0])
    assert ("v-reason", "FINISHED") == (run.info.run_name, run.info.status)
    assert {"seed": "0", "method.controller.k": "4"} == run.data.params
    assert {"device": "cpu", "vreason.kind": "variant", "memory_source": "rss"}.items() <= run.data.tags.items()
    assert {"error", "record.incomplete", "mlflow.parentRunId"}.isdisjoint(run.data.tags)


def test_artifacts(recorded, client) -> None:
    """The configuration as it was given, both tables, and the entropy plot twice: these files and no others."""
    files = {file.path for file in client.list_artifacts(recorded[0])}
    assert {"config.yaml", "samples.parquet", "steps.parquet", "entropy.png", "entropy.svg"} == files
    assert CONFIG == Path(client.download_artifacts(recorded[0], "config.yaml")).read_text(encoding="utf-8")


def test_summary_metrics(recorded, client) -> None:
    """Every summary metric equals what its definition gives for the rows of samples.parquet."""
    expected = records.figures(rows(client, recorded[0], "samples.parquet"))
    metrics = client.get_run(recorded[0]).data.metrics
    assert expected == pytest.approx({name: value for name, value in metrics.items() if not name.startswith(("live.", "curve."))})


def test_curves(recorded, client) -> None:
    """curve.entropy and curve.ema hold, by token, the mean over the samples that reached it."""
    by_token = defaultdict(list)
    for row in rows(client, recorded[0], "steps.parquet"):
        by_token[row["token_index"]].append(row)
    for name in ("entropy", "ema"):
        expected = [(token, pytest.approx(fmean(row[name] for row in at))) for token, at in sorted(by_token.items())]
        assert expected == [(step, value) for step, _, value in series(client, recorded[0], f"curve.{name}")]


def test_live_metrics(recorded, client) -> None:
    """A point after each sample, its step the number of samples done."""
    accuracy = [(step, value) for step, _, value in series(client, recorded[0], "live.accuracy")]
    assert [(1, 1.0), (2, 0.5), (3, pytest.approx(1.4 / 3)), (4, pytest.approx(1.4 / 3))] == accuracy
    assert [(1, 0.0), (2, 0.0), (3, 0.0), (4, 1.0)] == [(step, value) for step, _, value in series(client, recorded[0], "live.failed")]


def test_every_step_of_every_sample(recorded, client) -> None:
    """A nested run holds each step's values under the names of the table, at the token's index and at the token's own time."""
    runs = nested(client, recorded[0])
    for name, reply in recorded[1].items():
        for metric in STEP_NAMES:
            expected = [(step.token_index, step.timestamp_ms, getattr(step, metric)) for step in reply if getattr(step, metric) is not None]
            got = series(client, runs[name].info.run_id, metric) if metric in runs[name].data.metrics else []
            assert expected == [(step, stamp, pytest.approx(value)) for step, stamp, value in got], (name, metric)


def test_names_of_a_samples_metrics(recorded, client) -> None:
    """The ten step metrics and three of the whole sample, nothing else; the sample's whole figures are its own."""
    run = nested(client, recorded[0])["s-1"]
    assert STEP_NAMES | {"score", "output_tokens", "latency_ms"} == set(run.data.metrics)
    assert (1.0, 12.0, 97.0) == tuple(run.data.metrics[name] for name in ("score", "output_tokens", "latency_ms"))


def test_a_baseline_has_no_controller_metrics(store, client) -> None:
    """Without a controller its four series are missing and all others there."""
    recorder = recorder_of(store, "baseline")
    answer(recorder, {"s-1": 6}, controller=False)
    recorder.finish("FINISHED")
    (run,) = nested(client, recorder.run_id).values()
    assert STEP_NAMES - CONTROLLER == set(run.data.metrics) & STEP_NAMES


def test_a_samples_tags_and_times(recorded, client) -> None:
    """Question, options, answer, prediction and correctness are tags; the run lasts from the sample's start to its last token."""
    runs = nested(client, recorded[0])
    assert {"s-1", "s-2", "s-3", "s-4"} == set(runs)
    run, reply = runs["s-1"], recorded[1]["s-1"]
    expected = {
        "vreason.kind": "sample",
        "question": "Which way does the red circle move?",
        "options": "A. left\nB. right",
        "answer": "B",
        "prediction": "B",
        "correct": "true",
        "category": "direction",
        "problem_type": "multiple choice",
        "video": "clips/s-1.mp4",
        "stopped": "eos",
    }
    assert expected.items() <= run.data.tags.items()
    assert "error" not in run.data.tags
    assert ("s-1", "FINISHED") == (run.info.run_name, run.info.status)
    assert (reply[0].timestamp_ms - 20, reply[-1].timestamp_ms) == (run.info.start_time, run.info.end_time)
    assert ["false", "false"] == [runs[name].data.tags["correct"] for name in ("s-2", "s-3")]


def test_a_failed_sample(recorded, client) -> None:
    """Its run has failed and says why; it is neither right nor wrong and has no score."""
    run = nested(client, recorded[0])["s-4"]
    assert "FAILED" == run.info.status
    assert "clips/s-9.mp4: is not a video" == run.data.tags["error"]
    assert {"prediction", "correct", "output"}.isdisjoint(run.data.tags)
    assert {"output_tokens": 0.0} == run.data.metrics


def test_tags_of_every_letter() -> None:
    """Options are lettered in the order in which they were asked."""
    options = tuple("abcdefghijklmnopqrstuvwxyz")
    assert "Z. z" == sample_tags(records.sample(options=options))["options"].splitlines()[25]


def test_no_sample_id_in_a_metrics_name(recorded, client) -> None:
    """Names do not grow with the data set."""
    names = set(client.get_run(recorded[0]).data.metrics).union(*(run.data.metrics for run in nested(client, recorded[0]).values()))
    assert [] == [name for name in names if "s-" in name]


def test_the_table_of_steps_is_what_mlflow_holds(recorded, client) -> None:
    """steps.parquet has every step of every sample in order, and each of its values is the one in MLflow."""
    table = rows(client, recorded[0], "steps.parquet")
    order = [(row["sample_id"], row["token_index"]) for row in table]
    assert [(name, token) for name, length in LENGTHS.items() for token in range(length)] == order
    runs = nested(client, recorded[0])
    for metric in STEP_NAMES - {"step_ms"}:
        held = {
            (name, step): (stamp, value)
            for name, run in runs.items()
            if metric in run.data.metrics
            for step, stamp, value in series(client, run.info.run_id, metric)
        }
        expected = {
            (row["sample_id"], row["token_index"]): (row["timestamp_ms"], pytest.approx(row[metric]))
            for row in table
            if row[metric] is not None
        }
        assert expected == held, metric


def test_samples_of_a_batch_side_by_side(store, client) -> None:
    """Steps of two samples that come mixed end up with the sample to which each belongs."""
    recorder = recorder_of(store)
    replies = [records.steps("a", 6), records.steps("b", 6)]
    recorder.on_steps([step for pair in zip(*replies, strict=True) for step in pair])
    for reply in replies:
        recorder.on_sample(records.sample(reply[0].sample_id, reply))
    recorder.finish("FINISHED")
    runs = nested(client, recorder.run_id)
    for reply in replies:
        entropy = series(client, runs[reply[0].sample_id].info.run_id, "entropy")
        assert [(step.token_index, step.timestamp_ms, pytest.approx(step.entropy)) for step in reply] == entropy


def test_points_are_counted(recorded, store, tmp_path) -> None:
    """The number of points that a user is told is the number of points that the variant has in the database."""
    recorder = recorder_of(store, "second")
    answer(recorder)
    recorder.finish("FINISHED")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        query = (
            "SELECT count(*) FROM metrics WHERE run_uuid = :run OR run_uuid IN"
            " (SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId' AND value = :run)"
        )
        ((held,),) = connection.execute(query, {"run": recorder.run_id})
    assert held == recorder.points


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_an_early_end(store, client, status) -> None:
    """The run has the status it is given and the reason; what was finished is there, a sample under way is not counted as one."""
    recorder = recorder_of(store)
    answer(recorder, {"s-1": 5})
    recorder.on_steps(records.steps("s-2", 3))
    recorder.finish(status, "it ended")
    run = client.get_run(recorder.run_id)
    assert (status, "it ended") == (run.info.status, run.data.tags["error"])
    assert {"s-1"} == set(nested(client, recorder.run_id))
    assert ["s-1"] == [row["sample_id"] for row in rows(client, recorder.run_id, "samples.parquet")]


def test_no_sample_at_all(store, client) -> None:
    """A run that ends before its first sample has empty tables, counts of 0, no plot, and its status."""
    recorder = recorder_of(store)
    recorder.finish("KILLED", "interrupted from the keyboard")
    assert {"config.yaml", "samples.parquet", "steps.parquet"} == {file.path for file in client.list_artifacts(recorder.run_id)}
    run = client.get_run(recorder.run_id)
    assert ("KILLED", 0.0) == (run.info.status, run.data.metrics["samples.answered"])


def test_advice_is_on_the_runs_page(store, client) -> None:
    """The run's description names each failure signature and its mend."""
    recorder = recorder_of(store)
    recorder.on_sample(records.sample("s-1", signatures=("truncated",)))
    recorder.finish("FINISHED")
    note = client.get_run(recorder.run_id).data.tags["mlflow.note.content"]
    assert "truncated: 1 sample(s); raise generation.max_new_tokens" in note


def test_nothing_is_left_behind(store, tmp_path, monkeypatch) -> None:
    """When a variant is closed its thread has ended and its temporary files are gone."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    before = set(threading.enumerate())
    recorder = recorder_of(store)
    answer(recorder)
    recorder.finish("FINISHED")
    assert set() == set(threading.enumerate()) - before
    assert [] == list((tmp_path / "temporary").iterdir())


def test_a_variants_name_with_signs(store, client) -> None:
    """A name that reads like markup ends in a whole record like any other."""
    recorder = recorder_of(store, "$\\frac$ k=4")
    answer(recorder, {"s-1": 3})
    recorder.finish("FINISHED")
    assert ("$\\frac$ k=4", "FINISHED") == (client.get_run(recorder.run_id).info.run_name, client.get_run(recorder.run_id).info.status)


def test_a_category_with_signs(store, client) -> None:
    """A data set's own name for a kind of question never costs the run its summary."""
    recorder = recorder_of(store)
    recorder.on_sample(records.sample("s-1", category="count // easy"))
    recorder.finish("FINISHED")
    run = client.get_run(recorder.run_id)
    assert ("FINISHED", 1.0) == (run.info.status, run.data.metrics["accuracy"])


def test_a_reply_of_many_tokens(store, client) -> None:
    """1,024 tokens, the paper's longest reply, make more points than a call takes; all of them arrive."""
    recorder = recorder_of(store)
    replies = answer(recorder, {"s-1": 1_024})
    recorder.finish("FINISHED")
    (run,) = nested(client, recorder.run_id).values()
    assert 1_024 == len(series(client, run.info.run_id, "entropy"))
    assert [step.token_index for step in replies["s-1"] if step.updated] == [step for step, *_ in series(client, run.info.run_id, "loss")]


def test_an_entropy_that_is_no_number(store, client) -> None:
    """A model that went wrong leaves NaN in its curve, and that is what the record shows."""
    recorder = recorder_of(store)
    reply = records.steps("s-1", 3)
    reply[1] = replace(reply[1], entropy=float("nan"))
    recorder.on_steps(reply)
    recorder.on_sample(records.sample("s-1", reply))
    recorder.finish("FINISHED")
    assert {} == recorder.lost
    (run,) = nested(client, recorder.run_id).values()
    values = [point.value for point in client.get_metric_history(run.info.run_id, "entropy")]
    assert [False, True, False] == [value != value for value in values]
