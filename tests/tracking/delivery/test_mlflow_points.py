"""vreason_tracking.delivery.mlflow_points: what MLflow gets of a finished sample and of a device."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import records
from vreason_tracking.delivery.mlflow_points import device_series, ended_ms, points_of, sample_tags
from vreason_tracking.journal.samples import FinishedSample
from vreason_tracking.records.metrics import STEP_METRICS, count_points

CONTROLLER = {"loss", "delta_v_norm", "grad_norm", "value_cosine"}


def finished(*, length=9, controller=True, **changes) -> FinishedSample:
    reply = records.steps("s-1", length, controller=controller)
    return FinishedSample(1, records.sample("s-1", reply, **changes), tuple(reply), 0)


def test_every_value_of_every_step() -> None:
    """A point a value, under the token's index and its own time; what a step does not have is no point."""
    one = finished()
    made = {(name, step): (value, stamp) for name, value, stamp, step in points_of(one)}
    assert len(made) == len(points_of(one))
    for step in one.steps:
        for metric in STEP_METRICS:
            value = getattr(step, metric.name)
            found = made.pop((metric.name, step.token_index), None)
            assert (None if value is None else (float(value), step.timestamp_ms)) == found, metric.name
    assert {"score", "tokens/output", "latency/total_ms", "latency/first_token_ms"} == {name for name, _ in made}


def test_the_samples_own_figures() -> None:
    """Each once, at step 0, at the time of the last token."""
    one = finished()
    last = one.steps[-1].timestamp_ms
    expected = {"score": 1.0, "tokens/output": 9.0, "latency/total_ms": 76.0, "latency/first_token_ms": 20.0}
    own = [point for point in points_of(one) if point[0] in expected]
    assert [(name, value, last, 0) for name, value in expected.items()] == own


def test_a_baseline_has_no_controller() -> None:
    """Without a controller its series are left out, not filled with zeros."""
    names = {name for name, *_ in points_of(finished(controller=False))}
    assert set() == names & CONTROLLER


def test_a_sample_without_an_answer() -> None:
    """It ended when it began, and all that is known in numbers is that it has no token."""
    failed = FinishedSample(1, records.failed(), (), 0)
    assert (records.START_MS, [("tokens/output", 0.0, records.START_MS, 0)]) == (ended_ms(failed), points_of(failed))


@pytest.mark.parametrize("controller", [True, False])
def test_as_many_points_as_the_journal_counted(controller) -> None:
    """What is told to be recorded and what is sent are the same number."""
    one = finished(controller=controller)
    assert sum(map(count_points, one.steps)) + count_points(one.sample) == len(points_of(one))


def test_the_same_journal_the_same_points() -> None:
    """Nothing depends on when the points are made."""
    assert points_of(finished()) == points_of(finished())


def test_a_devices_window() -> None:
    """Its step is the second at which it begins, counted from the run's beginning; its time is its end."""
    record = records.device("gpu.0", second=4)
    began = record.started_ms - 4_250
    stamp = record.timestamp_ms
    expected = [
        ("gpu/0/process_bytes", 5_004.0, stamp, 4),
        ("gpu/0/device_bytes", 7_004.0, stamp, 4),
        ("gpu/0/utilization_percent", 87.5, stamp, 4),
        ("gpu/0/power_watts", 301.5, stamp, 4),
    ]
    assert expected == device_series(record, began)


def test_windows_of_a_later_session() -> None:
    """They come after those of the first, although each session counts its seconds from 0."""
    first, later = records.device(second=30), records.device(second=0)
    later = replace(later, started_ms=later.started_ms + 3_600_000, timestamp_ms=later.timestamp_ms + 3_600_000)
    assert 30 < device_series(first, records.START_MS)[0][3] + 1 < device_series(later, records.START_MS)[0][3] == 3_600


def test_no_two_windows_share_a_step() -> None:
    """The rest of a window, handed out when a run ends, has a step of its own."""
    whole, rest = records.device(second=2), records.device(second=4)
    rest = replace(rest, timestamp_ms=rest.started_ms + 50)
    steps = [device_series(record, records.START_MS)[0][3] for record in (whole, rest)]
    assert 2 == len(set(steps))


def test_a_window_before_the_run() -> None:
    """A clock that was set back makes no negative step."""
    assert 0 == device_series(records.device(), records.START_MS + 60_000)[0][3]


def test_tags_of_an_answer() -> None:
    """What was asked and what came out, as text; options carry their letters."""
    tags = sample_tags(records.sample("s-1", records.steps("s-1", 3), signatures=("truncated", "unparsed")))
    assert {
        "vreason.kind": "sample",
        "vreason.sample_id": "s-1",
        "video": "clips/s-1.mp4",
        "question": "Which way does the red circle move?",
        "options": "A. left\nB. right",
        "problem_type": "multiple choice",
        "category": "direction",
        "benchmark": "shapes",
        "answer": "B",
        "prediction": "B",
        "correct": "true",
        "output": "<think>It starts left.\nIt ends right.</think><answer>B</answer>",
        "signatures": "truncated, unparsed",
        "stopped": "eos",
        "peak_token": "3",
        "memory_source": "rss",
    } == tags


def test_tags_of_what_else_is_known() -> None:
    """What the data file has beside the question, and who read the video."""
    tags = sample_tags(records.sample("s-1", records.steps("s-1", 3), metadata='{"scene": "s1"}', video_reader="pyav"))
    assert ('{"scene": "s1"}', "pyav") == (tags["metadata"], tags["video_reader"])


def test_tags_of_a_failure() -> None:
    """The reason stands there; what there is not has no tag."""
    tags = sample_tags(records.failed(options=(), category="", benchmark=""))
    assert "clips/s-9.mp4: is not a video" == tags["error"]
    absent = {"prediction", "correct", "output", "options", "category", "benchmark", "signatures", "stopped", "peak_token", "metadata"}
    assert set() == absent & set(tags)


def test_a_wrong_answer_and_token_zero() -> None:
    """False and 0 are values, not absences."""
    tags = sample_tags(records.sample("s-1", score=0.4, peak_token=0))
    assert ("false", "0") == (tags["correct"], tags["peak_token"])
