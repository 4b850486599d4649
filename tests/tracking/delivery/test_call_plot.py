"""vreason_tracking.delivery.call_plot: one plot of all variants of a call, among the artifacts of each."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

from tests.helpers import readback
from tests.helpers.faulty_store import faulty
from vreason_tracking.delivery.call_plot import NAME, draw_together
from vreason_tracking.records.entropy_curve import EntropyCurve
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.stores.mlflow_store import MlflowStore

NAMES = ("baseline", "v-reason", "v-reason-lite")
FILES = {f"{NAME}.png", f"{NAME}.svg"}


@pytest.fixture
def call(tmp_path):
    """Records a call's variants, each with its status."""

    def make(*statuses, call_id="c1", variants=3):
        return [
            readback.recorded(
                tmp_path / "journal",
                {"s-1": 3 + place},
                status,
                NAMES[place],
                call_id=call_id,
                call_position=place,
                call_variants=variants,
                colour=f"#00000{place}",
            )
            for place, status in enumerate(statuses)
        ]

    return make


def drawn(store, folder) -> set[str]:
    """The plots of all variants that a delivered run has."""
    run_id = readback.read_delivered(folder.delivery_log).run_id
    return {file.path for file in store.client.list_artifacts(run_id)} & FILES


def picture(store, folder) -> str:
    run_id = readback.read_delivered(folder.delivery_log).run_id
    return Path(store.client.download_artifacts(run_id, f"{NAME}.svg")).read_text()


def test_with_the_last_variant(store, tracking_uri, call) -> None:
    """It is drawn when the last of them is finished, into the runs of all, with every variant by name and in its own colour."""
    folders = call("FINISHED", "FINISHED", "FINISHED")
    assert [] == readback.carry(tracking_uri, *folders[:2])
    assert [set(), set()] == [drawn(store, folder) for folder in folders[:2]]
    assert [] == readback.carry(tracking_uri, folders[2])
    assert [FILES] * 3 == [drawn(store, folder) for folder in folders]
    (text,) = {picture(store, folder) for folder in folders}
    assert [] == [name for name in NAMES if f"<!-- {name}: mean EMA" not in text]
    assert sorted(text.index(f"<!-- {name}: mean EMA") for name in NAMES) == [text.index(f"<!-- {name}: mean EMA") for name in NAMES]
    assert [] == [folder.manifest.colour for folder in folders if folder.manifest.colour not in text]


def test_in_any_order(store, tracking_uri, call) -> None:
    """Which of them is delivered last does not matter."""
    folders = call("FINISHED", "FINISHED", "FINISHED")
    readback.carry(tracking_uri, *reversed(folders))
    assert [FILES] * 3 == [drawn(store, folder) for folder in folders]


@pytest.mark.parametrize("status", ["KILLED", "FAILED"])
def test_not_of_a_part(store, tracking_uri, call, status) -> None:
    """As long as one of them is not finished there is none; once it has been continued and delivered there is."""
    folders = call("FINISHED", "FINISHED", status)
    readback.carry(tracking_uri, *folders)
    assert [set()] * 3 == [drawn(store, folder) for folder in folders]
    RunRecorder(folders[2]).finish("FINISHED")
    readback.carry(tracking_uri, folders[2])
    assert [FILES] * 3 == [drawn(store, folder) for folder in folders]


def test_a_variant_alone(store, tracking_uri, call) -> None:
    """Where there is nothing to compare there is no plot of all."""
    (folder,) = call("FINISHED", variants=1)
    readback.carry(tracking_uri, folder)
    assert set() == drawn(store, folder)


def test_another_call_is_another_plot(store, tracking_uri, call) -> None:
    """Variants of two calls are not drawn together."""
    folders = [*call("FINISHED", call_id="c1", variants=2), *call("FINISHED", call_id="c2", variants=2)]
    readback.carry(tracking_uri, *folders)
    assert [set(), set()] == [drawn(store, folder) for folder in folders]


def test_curves_at_hand_or_from_the_journal(store, tracking_uri, call) -> None:
    """Whether a curve is at hand or read again makes no difference."""
    folders = call("FINISHED", "FINISHED", "FINISHED")
    readback.carry(tracking_uri, *folders)
    before = picture(store, folders[0])
    draw_together(folders[1], store, {})
    assert before == picture(store, folders[0])
    draw_together(folders[1], store, {folders[1].run_id: EntropyCurve()})
    assert before != picture(store, folders[0])


def gone(tmp_path, folder) -> None:
    """Take a run out of the database, as `mlflow gc` does."""
    run_id = readback.read_delivered(folder.delivery_log).run_id
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE run_uuid = ?", [run_id])
    _artifact_repos_cache.clear()  # a process that has not sent it anything before asks where its files belong


def test_a_siblings_run_that_is_gone(store, tracking_uri, call, tmp_path) -> None:
    """A variant whose sibling somebody took out of MLflow is delivered all the same, and so is everything after it."""
    folders = call("FINISHED", "FINISHED", "FINISHED")
    readback.carry(tracking_uri, *folders[:2])
    gone(tmp_path, folders[0])
    other = readback.recorded(tmp_path / "journal", name="other", call_id="c2")
    readback.carry(tracking_uri, folders[2], other)
    marks = [readback.read_delivered(folder.delivery_log) for folder in (folders[2], other)]
    assert [("FINISHED", None)] * 2 == [(each.status, each.rejected) for each in marks]
    assert FILES == drawn(store, folders[1]) == drawn(store, folders[2])


def test_a_store_that_is_away_just_then(tracking_uri, call) -> None:
    """The plot is drawn when the store is back."""
    folders = call("FINISHED", "FINISHED", "FINISHED")
    readback.carry(tracking_uri, *folders[:2])
    store = MlflowStore(tracking_uri, "trial")
    client = faulty(store, lambda number, name: "before" if name == "log_artifact" and client.calls.count(name) in (6, 7) else None)
    with readback.Deliveries(tracking_uri, lambda name: store) as deliveries:
        deliveries.rounds.add(folders[2])
        for _ in range(200):
            deliveries.rounds.run_once()
            time.sleep(0.01)
    assert [FILES] * 3 == [drawn(store, folder) for folder in folders]
