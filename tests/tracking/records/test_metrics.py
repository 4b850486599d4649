"""vreason_tracking.records.metrics: the table of everything recorded."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers import records
from vreason.evaluation.failure_signatures import ADVICE
from vreason_tracking.records import metric_names, metrics
from vreason_tracking.records.metrics import (
    STEP_METRICS,
    SUMMARY_METRICS,
    TABLES,
    TELEMETRY_METRICS,
    device_points,
    metric_of,
    percentile,
    step_points,
)
from vreason_tracking.telemetry import DeviceRecord

NAMES = [metric.name for metric in STEP_METRICS]
CONTROLLER = ["loss", "delta_v_norm", "grad_norm", "value_cosine"]


def test_an_update_has_every_step_metric() -> None:
    """The points of a step that updated dV are the whole table, in its order, with the step's own values."""
    step = records.steps(count=5)[4]
    assert step.updated
    assert [(name, float(getattr(step, name))) for name in NAMES] == step_points(step)


def test_a_step_between_updates_has_no_loss_and_no_gradient() -> None:
    """Loss and gradient norm belong to updates; what dV is at the moment is recorded at every step, 0 included."""
    step = records.steps(count=3)[2]
    points = dict(step_points(step))
    assert [name for name in NAMES if name not in ("loss", "grad_norm")] == list(points)
    assert 0.0 == points["delta_v_norm"]


def test_a_baseline_step_has_no_controller_fields() -> None:
    """Without a controller exactly its four fields are missing; entropy, average, peak and alpha are there to compare."""
    points = dict(step_points(records.steps(count=5, controller=False)[4]))
    assert [name for name in NAMES if name not in CONTROLLER] == list(points)


def test_a_step_without_a_memory_reader_has_no_memory() -> None:
    """Nothing is made up for a value that was not read."""
    step = replace(records.steps(count=1)[0], device_memory_bytes=None, memory_source=None)
    assert "device_memory_bytes" not in dict(step_points(step))


def test_step_ms_is_forward_and_control() -> None:
    """The duration of a token is that of its two parts."""
    step = replace(records.steps(count=1)[0], forward_ms=5.25, control_ms=1.5)
    assert 6.75 == dict(step_points(step))["step_ms"]


GPU = DeviceRecord("gpu.3", "NVIDIA H200", 1_000, 3_000, 4, 5, 7, 99.0, 612.5, None, 40, 0)
HOST = DeviceRecord("host", "x86_64", 1_000, 3_000, 4, None, None, None, None, 8, 40, 0)


def test_a_device_s_points_are_named_by_it() -> None:
    """A GPU's window is the table's GPU metrics in their order, under NVML's number; the host's is its resident memory."""
    names = [metric.name.replace("{n}", "3") for metric in TELEMETRY_METRICS]
    assert [*zip(names[:4], [5.0, 7.0, 99.0, 612.5], strict=True)] == device_points(GPU)
    assert [("host/rss_bytes", 8.0)] == [(names[4], 8.0)] == device_points(HOST)


def test_what_a_device_does_not_tell_is_no_point() -> None:
    """Nothing is made up; 0 is a value."""
    assert [("gpu/3/process_bytes", 0.0)] == device_points(
        replace(GPU, process_bytes=0, device_bytes=None, utilization_percent=None, power_watts=None)
    )
    assert [] == device_points(replace(HOST, rss_bytes=None, samples=0, errors=3))


def test_every_quantity_of_a_device_is_in_the_table() -> None:
    """No number that a window holds is left out of MLflow but its counts and times."""
    told = {metric.name.split("/")[-1] for metric in TELEMETRY_METRICS}
    assert {*asdict(GPU)} - {"device", "name", "started_ms", "timestamp_ms", "second", "samples", "errors"} == told


@pytest.mark.parametrize("name", [name for record in (GPU, HOST) for name, _ in device_points(record)])
def test_mlflow_takes_every_device_s_name(name) -> None:
    """A GPU's number becomes part of a name that MLflow accepts."""
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(name)


def test_no_table_is_forgotten() -> None:
    """Every table of metrics there is stands among all of them, once."""
    tables = [value for name, value in vars(metrics).items() if name.endswith("_METRICS")]
    assert sorted(tables, key=id) == sorted(TABLES, key=id)


@pytest.mark.parametrize("row", [row for table in TABLES for row in table if "{" not in row.name], ids=lambda row: row.name)
def test_a_plain_name_is_its_own_row(row) -> None:
    """No pattern of another row takes it in."""
    assert row is metric_of(row.name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("accuracy/type/{problem type}", "accuracy/type/multiple choice"),
        ("accuracy/category/{category}", metric_names.filled(metric_names.ACCURACY_OF_CATEGORY, "a.b: größer? /mean")),
        ("gpu/{n}/power_watts", "gpu/12/power_watts"),
        ("memory/peak_reserved_bytes/{n}", "memory/peak_reserved_bytes/0"),
    ],
)
def test_a_name_filled_in(pattern, name) -> None:
    """What stands in braces is whatever `metric_names.segment` makes of a text, or a number."""
    assert pattern == metric_of(name).name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "accuracies",
        "accuracy/category",
        "accuracy/category/",
        "gpu/x/power_watts",
        "gpu/0/power_watts/1",
        "latency/p99_ms",
        "live.accuracy",
    ],
)
def test_a_name_that_nobody_records(name) -> None:
    """It is no row's, and told so by its name."""
    with pytest.raises(KeyError, match=f"'{name}' fits 0 rows"):
        metric_of(name)


@given(st.text())
@settings(deadline=None)
def test_every_category_has_the_row_of_categories(category) -> None:
    """Whatever a data set calls its kinds of question."""
    assert "accuracy/category/{category}" == metric_of(metric_names.filled(metric_names.ACCURACY_OF_CATEGORY, category)).name


def test_names_are_unique() -> None:
    """No name means two things, whichever table it stands in."""
    names = [metric.name for table in TABLES for metric in table]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("table", TABLES)
def test_every_metric_says_what_it_is(table) -> None:
    """Each has a unit and a meaning."""
    assert [] == [metric.name for metric in table if not (metric.unit.strip() and metric.meaning.strip())]


def test_every_signature_is_a_metric() -> None:
    """Each failure signature is counted in the summary, and its hint stands beside it."""
    table = {metric.name: metric.meaning for metric in SUMMARY_METRICS}
    assert [] == [name for name, advice in ADVICE.items() if advice not in table[f"signatures/{name}"]]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 1))
@settings(deadline=None)
def test_percentile_is_numpys(values, share) -> None:
    """Linear interpolation, as numpy does it, for any values and any share."""
    assert float(np.percentile(values, share * 100)) == pytest.approx(percentile(values, share), rel=1e-9, abs=1e-6)
