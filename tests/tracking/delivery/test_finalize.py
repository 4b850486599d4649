"""vreason_tracking.delivery.finalize: what is written when a session of a run has ended."""

from __future__ import annotations

import json

import pytest

from tests.helpers import readback, records
from vreason_tracking.delivery.finalize import RunFinalizer
from vreason_tracking.journal.codec import SessionEnded
from vreason_tracking.records.entropy_curve import EntropyCurve
from vreason_tracking.records.summary import RunSummary

ENDED_MS = records.START_MS + 90_000


def closing(*samples, status="FINISHED", error=None, notes=(), incomplete=()) -> RunFinalizer:
    """The end of a session of a run with these samples, five tokens each."""
    curve = EntropyCurve()
    for sample in samples:
        curve.add(records.steps(sample.sample_id, 5))
    end = SessionEnded(1, status, error, ENDED_MS, tuple(notes))
    return RunFinalizer(readback.manifest(), end, RunSummary.of(samples), curve, len(samples), frozenset(incomplete))


def answered(name="s-1", **changes):
    return records.sample(name, records.steps(name, 5), **changes)


def test_points() -> None:
    """Summary metrics at the number of samples, curves over token index, all at the time of the end."""
    made = closing(answered("a"), answered("b", score=0.0))
    points = made.points()
    assert {ENDED_MS} == {stamp for _, _, stamp, _ in points}
    summary = {name: value for name, value, _, step in points if step == 2 and not name.startswith("curve/")}
    assert made.summary.metrics() == summary
    assert (0.5, 5.0) == (summary["accuracy"], summary["tokens/mean"])
    for name in ("curve/entropy", "curve/ema"):
        assert [0, 1, 2, 3, 4] == [step for curve, _, _, step in points if curve == name]


def test_tags_of_a_plain_end() -> None:
    """How many samples, and whose memory was measured; nothing about faults that were none."""
    assert {"memory_source": "rss", "vreason.samples": "1"} == closing(answered()).tags()


def test_texts_that_names_do_not_spell() -> None:
    """Of a finished run, which alone has a metric for each category; a text that its name spells needs no tag."""
    samples = [answered("a", category="a/b"), answered("b", category="order")]
    tag = "vreason.text/accuracy/category/a:2f:b"
    assert "a/b" == closing(*samples).tags()[tag]
    assert [tag] == [name for name in closing(*samples).tags() if name.startswith("vreason.text/")]
    assert tag not in closing(*samples, status="KILLED", error="why").tags()


def test_tags_of_an_early_end() -> None:
    """The reason, and every note on a line."""
    tags = closing(answered(), status="KILLED", error="interrupted from the keyboard", notes=("one", "two")).tags()
    assert ("interrupted from the keyboard", "one\ntwo") == (tags["error"], tags["notes"])


def test_memory_that_was_not_measured() -> None:
    """It says so, so that nobody takes a missing figure for zero."""
    assert "none" == closing(answered(peak_memory_bytes=None, memory_source=None)).tags()["memory_source"]


def test_damaged_samples_are_named() -> None:
    """Their number, and the first twenty by name."""
    tag = closing(answered(), incomplete=[f"s-{number:03d}" for number in range(25)]).tags()["record.incomplete"]
    assert tag.startswith("25 sample(s) damaged or missing in the journal: s-000, s-001, ")
    assert tag.endswith("s-019")


def test_advice_for_failure_signatures() -> None:
    """What was seen, how often, and what to change stand in the run's description, which the UI shows first."""
    text = closing(answered(signatures=("truncated",)), answered("b", signatures=("truncated",))).tags()["mlflow.note.content"]
    assert "- truncated: 2 sample(s); raise generation.max_new_tokens" in text


@pytest.mark.parametrize("status", ["KILLED", "FAILED"])
def test_no_figures_of_a_part(store, client, tmp_path, status) -> None:
    """A run that did not finish gets its status, tags and files, and neither a summary nor its table."""
    run_id = store.start_run("v-reason", {})
    closing(answered(), status=status, error="why").write(store, run_id, tmp_path, [])
    run = client.get_run(run_id)
    assert (status, ENDED_MS, {}, "why") == (run.info.status, run.info.end_time, run.data.metrics, run.data.tags["error"])
    assert {"entropy.png", "entropy.svg"} == {file.path for file in client.list_artifacts(run_id)}
    assert "mlflow.loggedArtifacts" not in run.data.tags


def test_a_finished_run_has_no_error(store, client, tmp_path) -> None:
    """The reason of an earlier session's end does not stay with a run that came to its end."""
    run_id = store.start_run("v-reason", {})
    closing(answered(), status="KILLED", error="the lights went out").write(store, run_id, tmp_path, [])
    closing(answered()).write(store, run_id, tmp_path, [])
    run = client.get_run(run_id)
    assert ("FINISHED", False, 1.0) == (run.info.status, "error" in run.data.tags, run.data.metrics["accuracy"])


def test_written_twice(store, tmp_path) -> None:
    """It changes nothing."""
    run_id = store.start_run("v-reason", {}, started_ms=records.START_MS)
    contents = []
    for _ in range(2):
        closing(answered("a"), answered("b"), notes=("n",)).write(store, run_id, tmp_path, [])
        contents.append(readback.content(tmp_path / "mlflow.db", store.experiment_id))
    assert contents[0] == contents[1]


def test_files_come_along(store, client, tmp_path) -> None:
    """Tables that are handed over are among the artifacts."""
    run_id = store.start_run("v-reason", {})
    (tmp_path / "samples.parquet").write_bytes(b"rows")
    closing(answered()).write(store, run_id, tmp_path, [tmp_path / "samples.parquet"])
    assert "samples.parquet" in {file.path for file in client.list_artifacts(run_id)}


def test_nothing_answered(store, client, tmp_path) -> None:
    """Neither an accuracy nor a plot is made of nothing; that nothing was answered stands in the summary."""
    run_id = store.start_run("v-reason", {})
    closing().write(store, run_id, tmp_path, [])
    assert "accuracy" not in client.get_run(run_id).data.metrics
    assert ["summary_table.json"] == [file.path for file in client.list_artifacts(run_id)]


def test_the_summary_is_listed_as_a_table(store, client, tmp_path) -> None:
    """A finished run has the table once it is written, and MLflow's tag tells of it; a table of somebody else stays listed."""
    run_id = store.start_run("v-reason", {})
    client.log_table(run_id, {"mine": [1]}, "mine.json")
    for _ in range(2):
        closing(answered()).write(store, run_id, tmp_path, [])
    tables = [{"path": "mine.json", "type": "table"}, {"path": "summary_table.json", "type": "table"}]
    assert tables == json.loads(client.get_run(run_id).data.tags["mlflow.loggedArtifacts"])
    assert {"mine.json", "summary_table.json"} <= {file.path for file in client.list_artifacts(run_id)}
