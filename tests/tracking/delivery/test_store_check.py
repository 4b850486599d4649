"""vreason_tracking.delivery.store_check and store_repair: a run read back, held against its journal, and mended."""

from __future__ import annotations

import math
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from tests.helpers import readback, records, run_states
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.delivery.store_check import check_store
from vreason_tracking.delivery.store_repair import repair_samples

pytestmark = pytest.mark.usefixtures("quick_pictures")


@pytest.fixture
def folder(tmp_path, store):
    """A run that was delivered to its end."""
    return run_states.finished(tmp_path / "journal", store=store)


@pytest.fixture
def execute(tmp_path):
    """Change the store's database behind everybody's back."""

    def run(sql, *values):
        with closing(sqlite3.connect(tmp_path / "mlflow.db", timeout=30)) as connection, connection:
            assert connection.execute(sql, values).rowcount > 0

    return run


def nested(folder, sample_id="s-2"):
    return read_delivered(folder.delivery_log).samples[sample_id]


def own(folder):
    return read_delivered(folder.delivery_log).run_id


def reasons(folder, store):
    return [str(difference) for difference in check_store(folder, store).differences]


def mend(folder, store):
    """Repair, deliver what that asks for, and look again."""
    if repair_samples(folder, store, check_store(folder, store)):
        readback.deliver(folder, store)
    return reasons(folder, store)


def test_what_was_delivered(folder, store) -> None:
    """Everything is there: samples, series of the variant, summary; and it is counted."""
    found = check_store(folder, store)
    assert (True, 3, own(folder)) == (found.intact, found.samples, found.mlflow_id)
    assert readback.content_points(folder, store) == found.points


def test_what_somebody_logged_beside(folder, store) -> None:
    """Metrics and tags of a user's own are nobody's difference."""
    store.log(own(folder), [("my own metric", 1.0, 1, 0), ("mine/too", math.nan, 1, 0)], tags={"note": "x"})
    store.log(nested(folder), [("my own metric", 1.0, 1, 0)])
    assert [] == reasons(folder, store)


def test_values_that_databases_change(tmp_path, store) -> None:
    """NaN, both infinities and minus zero come back as something else, and are the same all the same."""
    recorder = readback.recorder_of(tmp_path / "journal", sample_ids=("s-1",))
    values = (math.nan, math.inf, -math.inf, -0.0, 1e-320, 0.1)
    steps = [replace(step, entropy=value) for step, value in zip(records.steps("s-1", len(values)), values, strict=True)]
    recorder.on_steps(steps)
    recorder.on_sample(records.sample("s-1", steps))
    recorder.finish("FINISHED")
    readback.deliver(recorder.folder, store)
    assert [] == reasons(recorder.folder, store)


def test_a_lost_point(folder, store, execute) -> None:
    """It is named by sample and series; mending sends it, into the same run, and nothing twice."""
    before, place = readback.content_points(folder, store), nested(folder)
    execute("DELETE FROM metrics WHERE run_uuid = ? AND key = 'entropy' AND step = 3", place)
    (line,) = reasons(folder, store)
    assert re.fullmatch(r"sample 's-2': 1 of \d+ points are missing \(entropy\)", line)
    assert [] == mend(folder, store)
    assert (before, place) == (readback.content_points(folder, store), nested(folder))


def test_a_changed_point(folder, store, execute) -> None:
    """A point cannot be taken back in MLflow: the sample gets a run of its own anew, and the old one is deleted."""
    place = nested(folder)
    execute("UPDATE metrics SET value = value + 1 WHERE run_uuid = ? AND key = 'ema' AND step = 2", place)
    (line,) = reasons(folder, store)
    assert "points are missing (ema); 1 points are not the journal's (ema)" in line
    assert [] == mend(folder, store)
    assert ("deleted", "active") == (store.state_of(place), store.state_of(nested(folder)))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE tags SET value = 'C' WHERE run_uuid = ? AND key = 'answer'", "tags differ: answer"),
        ("DELETE FROM tags WHERE run_uuid = ? AND key = 'output'", "tags differ: output"),
        ("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", "its status is RUNNING, not FINISHED"),
        ("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", "it is missing"),
    ],
)
def test_a_sample_that_differs(folder, store, execute, sql, words) -> None:
    """Tags, status, or the whole run: each is named and mended."""
    execute(sql, nested(folder))
    assert [f"sample 's-2': {words}"] == reasons(folder, store)
    assert [] == mend(folder, store)


def test_a_sample_too_many(folder, store) -> None:
    """A second run of a sample, and one of a sample that nobody has asked, are taken away."""
    for name in ("s-2", "stranger", "stranger"):
        store.start_run(name, {"vreason.kind": "sample", "vreason.sample_id": name}, own(folder), records.START_MS)
    stranger = "sample 'stranger': the journal has no such finished sample"
    assert ["sample 's-2': there are 2 runs of it", stranger, stranger] == reasons(folder, store)
    assert [] == mend(folder, store)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM metrics WHERE run_uuid = ? AND key = 'live/accuracy' AND step = 2", "points are missing (live/accuracy)"),
        ("DELETE FROM metrics WHERE run_uuid = ? AND key LIKE 'gpu/%'", "points are missing (gpu/"),
        ("DELETE FROM metrics WHERE run_uuid = ? AND key LIKE 'curve/%'", "points are missing (curve/ema, curve/entropy)"),
        ("DELETE FROM params WHERE run_uuid = ? AND key = 'seed'", "settings are missing or differ: seed"),
        ("DELETE FROM tags WHERE run_uuid = ? AND key = 'memory_source'", "tags differ: memory_source"),
        ("UPDATE runs SET status = 'FAILED' WHERE run_uuid = ?", "its status is FAILED, not FINISHED"),
    ],
)
def test_the_variants_own_run(folder, store, execute, sql, words) -> None:
    """Series, curves, settings, tags and status of the variant are read back too, and sent again into the same run."""
    place = own(folder)
    execute(sql, place)
    assert words in " ".join(reasons(folder, store))
    assert [] == mend(folder, store)
    assert place == own(folder)


def test_too_much_in_the_variants_own_run(folder, store) -> None:
    """A point that the journal does not know: a new run takes the place of the old one, with the same samples."""
    place, samples = own(folder), read_delivered(folder.delivery_log).samples
    store.log(place, [("live/accuracy", 0.123, 7, 2)])
    assert ["the run itself: 1 points are not the journal's (live/accuracy)"] == reasons(folder, store)
    assert [] == mend(folder, store)
    assert ("deleted", samples) == (store.state_of(place), read_delivered(folder.delivery_log).samples)
    assert own(folder) == store.client.get_run(place).data.tags["vreason.replaced_by"]


def test_a_lost_file(folder, store) -> None:
    """An artifact that is not there is named and written again."""
    from vreason_tracking.stores.mlflow_internals import local_artifact_path

    place = local_artifact_path(store.client.get_run(own(folder)).info.artifact_uri)
    (place / "steps.parquet").unlink()
    assert ["the run itself: files are missing: steps.parquet"] == reasons(folder, store)
    assert [] == mend(folder, store)


@pytest.mark.parametrize(("stage", "words"), [("deleted", "was deleted"), (None, "is not in the store")])
def test_a_run_that_is_gone(folder, store, execute, stage, words) -> None:
    """There is nothing to compare."""
    if stage:
        store.client.delete_run(own(folder))
    else:
        for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
            execute(f"DELETE FROM {table} WHERE run_uuid = ?", own(folder))
    assert [f"the run itself: {words}"] == reasons(folder, store)


def test_values_that_were_left_out(folder, store, execute) -> None:
    """What the store has refused, and the marks tell so, is no difference."""
    from vreason_tracking.delivery.checkpoint import DeliveryLog

    log = DeliveryLog(folder.delivery_log)
    for sample_id, kind, name in (("s-2", "metric", "entropy"), ("s-2", "tag", "answer"), (None, "parameter", "seed")):
        log.excluded(sample_id, kind, name, "no")
    log.close()
    execute("DELETE FROM metrics WHERE run_uuid = ? AND key = 'entropy'", nested(folder))
    execute("DELETE FROM tags WHERE run_uuid = ? AND key = 'answer'", nested(folder))
    execute("DELETE FROM params WHERE run_uuid = ? AND key = 'seed'", own(folder))
    assert [] == reasons(folder, store)


def test_a_long_name(tmp_path, store) -> None:
    """A sample's id that is cut to what the store keeps is found again by what it was cut to."""
    name = "s" * 6000
    recorder = readback.recorder_of(tmp_path / "journal", sample_ids=(name,))
    steps = records.steps(name, 2)
    recorder.on_steps(steps)
    recorder.on_sample(records.sample(name, steps))
    recorder.finish("FINISHED")
    readback.deliver(recorder.folder, store)
    assert [] == reasons(recorder.folder, store)


@pytest.mark.parametrize("done", [{}, {"s-1": 4}])
def test_a_run_that_was_killed(tmp_path, store, done) -> None:
    """It has no summary, and may have no sample: what there is is compared all the same."""
    folder = run_states.interrupted(tmp_path / "journal", done)
    readback.deliver(folder, store)
    assert [] == reasons(folder, store)
