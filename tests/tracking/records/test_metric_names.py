"""vreason_tracking.records.metric_names: names that MLflow takes, one for each text, and what earlier versions called them."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import example, given, settings, strategies as st
from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH, _validate_metric_name, _validate_tag_name

from tests.helpers import old_records, readback, records
from vreason.evaluation.failure_signatures import ADVICE
from vreason.prompts import PROBLEM_TYPES
from vreason_tracking.catalog import Catalog
from vreason_tracking.catalog.run_details import details_of
from vreason_tracking.records import metric_names
from vreason_tracking.records.metric_names import (
    ACCURACY_OF_CATEGORY,
    ACCURACY_OF_TYPE,
    PEAK_ALLOCATED,
    SIGNATURE,
    current_name,
    device_metric,
    filled,
    former_name,
    group_of,
    in_current_names,
    segment,
)
from vreason_tracking.records.metrics import TABLES, metric_of
from vreason_tracking.records.tags import text_tag

TEXTS = st.text(st.characters(codec=None, exclude_categories=[]), max_size=120)
"""Any text, lone surrogates and NUL among its characters."""

NEAR = st.text(st.sampled_from("aB_-. :/2ef\0\ud800é🎬\n"), max_size=100)
"""Texts that are hard to tell apart: what is escaped, and what an escape is made of."""

HOSTILE = [
    "a/b",
    "a_b",
    "a:2f:b",
    "..",
    "",
    "x" * 300,
    "x" * 299 + "y",
    "🎬🎬",
    "\ud800",
    "\udfff",
    "\0",
    "x ",
    "x",
    " x",
    "a  b",
    "a b",
    "a//b",
]


def takes(name: str) -> bool:
    """Whether MLflow and every store take the name; MLflow's own check raises where not."""
    _validate_metric_name(name)
    name.encode("utf-8")
    return 0 < len(name) <= MAX_ENTITY_KEY_LENGTH and "\0" not in name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("multiple choice", "multiple choice"),
        ("free-form", "free-form"),
        ("größer_als v1.5", "größer_als v1.5"),
        ("a. b", "a. b"),
        ("a/b", "a:2f:b"),
        ("a:b", "a:3a:b"),
        ("x ", "x:20:"),
        (" x", ":20:x"),
        ("a  b", "a:20::20:b"),
        ("a..b", "a:2e::2e:b"),
        (".", ":2e:"),
        ("..", ":2e::2e:"),
        ("why?", "why:3f:"),
        ("\0", ":0:"),
        ("\ud800", ":d800:"),
        ("🎬", ":1f3ac:"),
        ("x" * 80, "x" * 80),
        ("", f"::{hashlib.sha256(b'').hexdigest()[:12]}"),
        ("x" * 81, f"{'x' * 66}::{hashlib.sha256(b'x' * 81).hexdigest()[:12]}"),
    ],
)
def test_a_text_in_a_name(text, expected) -> None:
    """Words stay words; what MLflow does not take, or a path would lose, is its code point; what is long ends in a digest."""
    assert expected == segment(text)
    assert takes(filled(ACCURACY_OF_CATEGORY, text))


@given(TEXTS | NEAR, TEXTS | NEAR)
@example("a/b", "a:2f:b")
@example("a", "a ")
@example("", "::e3b0c44298fc")
@example("x" * 81, f"{'x' * 66}::{hashlib.sha256(b'x' * 81).hexdigest()[:12]}")
@settings(deadline=None, max_examples=500)
def test_two_texts_never_make_one_name(one, other) -> None:
    """Names are equal only where the texts are."""
    for template in (ACCURACY_OF_TYPE, ACCURACY_OF_CATEGORY):
        assert (one == other) == (filled(template, one) == filled(template, other))


@given(st.lists(NEAR, unique=True, min_size=2, max_size=60))
@settings(deadline=None)
def test_many_texts_make_as_many_names(texts) -> None:
    """Of texts that differ in what is escaped."""
    assert len(texts) == len({segment(text) for text in texts})


@given(TEXTS | NEAR)
@settings(deadline=None, max_examples=500)
def test_every_text_makes_a_name_that_mlflow_takes(text) -> None:
    """By MLflow's own check; the tag that holds the text, too. No other part of the name comes of it."""
    for template in (ACCURACY_OF_TYPE, ACCURACY_OF_CATEGORY):
        name = filled(template, text)
        assert takes(name)
        assert template == metric_of(name).name
        assert 3 == len(name.split("/"))
        _validate_tag_name(text_tag(name))
        assert len(text_tag(name)) <= MAX_ENTITY_KEY_LENGTH
    assert len(segment(text)) <= 80


@given(TEXTS | NEAR)
@settings(deadline=None)
def test_a_text_can_be_read_off_its_name(text) -> None:
    """Unless it was cut: between colons stand code points, all else stands for itself."""
    made = segment(text)
    if text and len(made) < 80:
        parts = made.split(":")
        assert text == "".join(part if index % 2 == 0 else chr(int(part, 16)) for index, part in enumerate(parts))


@given(st.text(st.sampled_from("abcß_-0"), min_size=1, max_size=80))
def test_a_plain_word_is_its_own_name(text) -> None:
    """However often it is written."""
    assert text == segment(text) == segment(segment(text))


def test_what_the_program_names_itself_is_plain() -> None:
    """Problem types, signatures and numbers stand in names as they are."""
    for text in (*PROBLEM_TYPES, *ADVICE):
        assert text == segment(text)
    assert "signatures/no-effect" == filled(SIGNATURE, "no-effect")
    assert "memory/peak_allocated_bytes/0" == filled(PEAK_ALLOCATED, 0)


def test_a_name_without_a_blank_cannot_be_filled() -> None:
    """A fault of ours, and told."""
    with pytest.raises(ValueError, match="unpack"):
        filled("accuracy", "x")


@pytest.mark.parametrize(
    ("device", "quantity", "expected"),
    [("gpu.11", "power_watts", "gpu/11/power_watts"), ("host", "rss_bytes", "host/rss_bytes")],
)
def test_a_device_s_metric(device, quantity, expected) -> None:
    """The journal's name for the device becomes the group."""
    assert expected == device_metric(device, quantity)
    assert quantity == metric_of(expected).name.split("/")[-1]


def test_every_name_but_a_step_s_has_a_group() -> None:
    """A variant's accuracy and a sample's score and steps stand by themselves."""
    grouped = {group_of(metric.name) for table in TABLES[1:] for metric in table}
    assert {"accuracy", "samples", "tokens", "latency", "memory", "signatures", "curve", "live", "gpu", "host", "score"} == grouped


# --- earlier versions ---

FORMER = {
    "accuracy": "accuracy",
    "accuracy_interval.low": "accuracy/interval_low",
    "accuracy_interval.high": "accuracy/interval_high",
    "accuracy.multiple_choice": "accuracy/type/multiple choice",
    "accuracy.free-form": "accuracy/type/free-form",
    "accuracy_by_category.temporal_order": "accuracy/category/temporal_order",
    "accuracy_by_category.größer___a.b": "accuracy/category/größer___a.b",
    "accuracy_by_category...": "accuracy/category/:2e::2e:",
    "mean_acc": "accuracy/mean_acc",
    "mean_mra": "accuracy/mean_mra",
    "samples.answered": "samples/answered",
    "samples.failed": "samples/failed",
    "samples.videos": "samples/videos",
    "output_tokens.mean": "tokens/mean",
    "output_tokens.p95": "tokens/p95",
    "latency_ms.p50": "latency/p50_ms",
    "time_to_first_token_ms.mean": "latency/first_token_mean_ms",
    "ms_per_token.p95": "latency/per_token_p95_ms",
    "control_share": "latency/control_share",
    "peak_memory_bytes": "memory/peak_bytes",
    "peak_allocated_bytes.0": "memory/peak_allocated_bytes/0",
    "peak_reserved_bytes.12": "memory/peak_reserved_bytes/12",
    "signature.out-of-memory": "signatures/out-of-memory",
    "curve.entropy": "curve/entropy",
    "curve.ema": "curve/ema",
    "live.accuracy": "live/accuracy",
    "live.failed": "live/failed",
    "live.output_tokens": "live/output_tokens",
    "live.tokens_per_second": "live/tokens_per_second",
    "live.peak_memory_bytes": "live/peak_memory_bytes",
    "gpu.0.process_bytes": "gpu/0/process_bytes",
    "gpu.11.utilization_percent": "gpu/11/utilization_percent",
    "host.rss_bytes": "host/rss_bytes",
    "score": "score",
    "output_tokens": "tokens/output",
    "latency_ms": "latency/total_ms",
    "time_to_first_token_ms": "latency/first_token_ms",
    "entropy": "entropy",
    "device_memory_bytes": "device_memory_bytes",
}


@pytest.mark.parametrize(("former", "expected"), FORMER.items())
def test_what_an_earlier_version_recorded(former, expected) -> None:
    """Each name has its successor, which the table of metrics explains."""
    assert expected == current_name(former)
    assert metric_of(expected)


@pytest.mark.parametrize("name", ["my.metric", "accuracies", "gpu.x.power_watts", "mine/live.failed", "live.mine"])
def test_a_name_of_somebody_else_stays(name) -> None:
    """A user may log what he likes into a run of ours."""
    assert name == current_name(name)


@given(st.sampled_from(sorted(FORMER)) | TEXTS)
@settings(deadline=None)
def test_a_current_name_is_its_own(name) -> None:
    """Translated again, nothing changes."""
    assert current_name(name) == current_name(current_name(name))


@given(TEXTS | NEAR)
@settings(deadline=None)
def test_no_name_of_this_version_is_taken_for_an_earlier_one(text) -> None:
    """Whatever the category."""
    assert filled(ACCURACY_OF_CATEGORY, text) == current_name(filled(ACCURACY_OF_CATEGORY, text))
    assert [] == [metric.name for table in TABLES for metric in table if current_name(metric.name) != metric.name]


@pytest.mark.parametrize(("former", "name"), [pair for pair in FORMER.items() if group_of(pair[1]) in metric_names.SERIES_GROUPS])
def test_where_a_series_lay(former, name) -> None:
    """Every series of a variant's run is asked for under its earlier name as well."""
    assert former == former_name(name)


@pytest.mark.parametrize("name", ["entropy", "step_ms", "accuracy", "accuracy/type/regression", "accuracy/category/a_b", "mine"])
def test_nothing_else_to_ask_for(name) -> None:
    """Series of a sample's run never changed their names."""
    assert former_name(name) is None


def test_a_run_of_two_versions() -> None:
    """Of a figure that both recorded this version's counts, whatever the order; what only the earlier one did is there too."""
    both = {"live.failed": 1.0, "live/failed": 2.0, "accuracy": 0.5, "host.rss_bytes": 7.0}
    expected = {"live/failed": 2.0, "accuracy": 0.5, "host/rss_bytes": 7.0}
    assert expected == in_current_names(both) == in_current_names(dict(reversed(both.items())))
    assert ["live/failed", "accuracy", "host/rss_bytes"] == list(in_current_names(both))


def test_the_first_version_s_names(tmp_path) -> None:
    """Every metric in a store that it wrote is translated to one that the table explains, and no two of a run become one."""
    unpacked = old_records.unpack(tmp_path)
    with closing(sqlite3.connect(unpacked.uri.removeprefix("sqlite:///"))) as connection:
        runs = connection.execute("SELECT run_uuid, key FROM metrics GROUP BY run_uuid, key").fetchall()
    assert len({name for _, name in runs}) > 50
    assert [] == [name for _, name in runs if not metric_of(current_name(name))]
    assert len(runs) == len({(run, current_name(name)) for run, name in runs})


# --- a real run ---


def hostile(root, store):
    """A delivered run with a sample of each hostile category, right in every second; MLflow's id of it."""
    recorder = readback.recorder_of(root, sample_ids=tuple(f"s-{number}" for number in range(len(HOSTILE))))
    for number, category in enumerate(HOSTILE):
        name = f"s-{number}"
        reply = records.steps(name, 2)
        recorder.on_steps(reply)
        recorder.on_sample(replace(records.sample(name, reply), category=category, score=float(number % 2)))
    recorder.finish("FINISHED")
    return readback.deliver(recorder.folder, store).run_id


def check_hostile(root, store, uri) -> None:
    """Each category has its own metric with its own mean, and a tag with the whole text where the name does not spell it."""
    run = store.client.get_run(hostile(root, store))
    assert "FINISHED" == run.info.status
    found = {name: value for name, value in run.data.metrics.items() if name.startswith("accuracy/category/")}
    assert {filled(ACCURACY_OF_CATEGORY, category): float(number % 2) for number, category in enumerate(HOSTILE) if category} == found
    told = {name: value for name, value in run.data.tags.items() if name.startswith("vreason.text/")}
    unspelt = [category for category in HOSTILE if category and segment(category) != category]
    storable = {text: text.encode("utf-8", "replace").decode().replace("?", "�").replace("\0", "�") for text in unspelt}
    assert {text_tag(filled(ACCURACY_OF_CATEGORY, text)): storable[text] for text in unspelt} == told
    index = Catalog(root.parent / "none", uri, "trial").read()
    assert found.items() <= details_of(index.find(run.info.run_id), index).summary.items()


def test_hostile_categories_in_sqlite(tmp_path, store, tracking_uri) -> None:
    """A whole run, from its journal to MLflow and back."""
    check_hostile(tmp_path / "journal", store, tracking_uri)


@pytest.mark.slow
def test_hostile_categories_in_postgres(tmp_path, postgres_uri) -> None:
    """As in SQLite; PostgreSQL has no NUL and no lone surrogates."""
    from vreason_tracking.stores.mlflow_store import MlflowStore

    check_hostile(tmp_path / "journal", MlflowStore(postgres_uri, "trial"), postgres_uri)
