"""vreason_tracking.delivery.scheduler on a machine whose disk is full, under its tables or its marks: waited for like a store that is
away.
"""

from __future__ import annotations

import errno
import os
import time

import pyarrow as pa
import pytest

from tests.helpers import readback, records
from vreason_tracking.delivery.backoff import Backoff
from vreason_tracking.delivery.checkpoint import DeliveryLog, read_delivered
from vreason_tracking.records import parquet_writer as tables_module
from vreason_tracking.records.parquet_writer import RecordTables
from vreason_tracking.stores.mlflow_store import MlflowStore

pytestmark = pytest.mark.usefixtures("quick_pictures")
SERIES = {"live", "curve", "host", "gpu"}


class FullDisk:
    """A disk that has no room for what a class writes there, until it has.

    Attributes:
        full: whether it is full now.
        met: how often somebody found it so.
    """

    def __init__(self, monkeypatch, kind, method) -> None:
        self.full, self.met = True, 0
        real = getattr(kind, method)

        def write(*arguments, **keywords):
            if self.full:
                self.met += 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **keywords)

        monkeypatch.setattr(kind, method, write)


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """Waits of a hundredth of the length."""
    real = Backoff.failed
    monkeypatch.setattr(Backoff, "failed", lambda self: real(self) / 100)


def settle(deliveries, reached, seconds=10.0) -> None:
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        deliveries.rounds.run_once()
        time.sleep(0.002)


WHERE = {
    "as it begins": (RecordTables, "__init__", 20_000),
    "in the middle": (RecordTables, "_write", 1),
    "at its end": (RecordTables, "_write", 20_000),
}


@pytest.mark.parametrize("where", WHERE)
def test_no_room_for_the_tables(store, tracking_uri, tmp_path, monkeypatch, where) -> None:
    """Whenever it happens and however long it lasts: when there is room the run is delivered whole, every sample and every row."""
    kind, method, rows = WHERE[where]
    monkeypatch.setattr(tables_module, "_ROWS", rows)
    disk = FullDisk(monkeypatch, kind, method)
    folder = readback.recorded(tmp_path / "journal")
    with readback.Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(folder)
        settle(deliveries, lambda: disk.met >= 3)
        assert (True, "unavailable") == (disk.met >= 3, deliveries.states()[0])
        disk.full = False
        settle(deliveries, lambda: not deliveries.rounds.unfinished())
        assert "ready" == deliveries.states()[-1]
    marks = read_delivered(folder.delivery_log)
    assert (3, "FINISHED", 2) == (len(marks.samples), marks.status, marks.devices)
    assert 20 == len(readback.rows(store.client, marks.run_id, "steps.parquet"))
    metrics = store.client.get_run(marks.run_id).data.metrics
    summary = {name: value for name, value in metrics.items() if name.split("/")[0] not in SERIES}
    assert records.figures(readback.rows(store.client, marks.run_id, "samples.parquet")) == pytest.approx(summary)


def test_a_table_that_is_spoiled(store, tracking_uri, tmp_path, monkeypatch) -> None:
    """A file of Arrow's is of no use once a write to it has failed: new ones are made, and the run is delivered with whole tables."""
    real, spoiled, failures = RecordTables.close, [], iter(range(2))

    def close(tables):
        if tables in spoiled:
            raise pa.ArrowInvalid("Operation on closed file")
        if next(failures, None) is not None:
            spoiled.append(tables)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(tables)

    monkeypatch.setattr(RecordTables, "close", close)
    folder = readback.recorded(tmp_path / "journal")
    with readback.Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(folder)
        settle(deliveries, lambda: not deliveries.rounds.unfinished())
        assert {"unavailable", "ready"} == set(deliveries.states())
    marks = read_delivered(folder.delivery_log)
    assert (3, "FINISHED") == (len(marks.samples), marks.status)
    assert 20 == len(readback.rows(store.client, marks.run_id, "steps.parquet"))


@pytest.mark.parametrize("mark", ["opened", "sample", "devices", "closed"])
def test_no_room_for_a_mark(tracking_uri, tmp_path, monkeypatch, mark) -> None:
    """What could not be marked is sent again until it can, and is there once."""
    disk = FullDisk(monkeypatch, DeliveryLog, mark)
    folder = readback.recorded(tmp_path / "journal")
    with readback.Deliveries(tracking_uri) as deliveries:
        deliveries.rounds.add(folder)
        settle(deliveries, lambda: disk.met >= 3)
        disk.full = False
        settle(deliveries, lambda: not deliveries.rounds.unfinished())
    marks = read_delivered(folder.delivery_log)
    assert ("FINISHED", 3) == (marks.status, len(marks.samples))
    content = readback.content(tmp_path / "mlflow.db", marks.experiment_id)
    assert {"v-reason": 1, "s-1": 1, "s-2": 1, "s-3": 1} == {name: len(runs) for name, runs in content.items()}


def test_no_room_to_mark_a_refusal(tracking_uri, tmp_path, monkeypatch, client) -> None:
    """A run that is refused while the disk is full is told of, and the others go on."""
    refused, other = readback.recorded(tmp_path / "journal"), readback.recorded(tmp_path / "journal", experiment="other")
    store = MlflowStore(tracking_uri, "trial")
    readback.deliver(refused, store)
    refused.delivery_log.write_bytes(refused.delivery_log.read_bytes().splitlines(keepends=True)[0])
    client.delete_run(read_delivered(refused.delivery_log).run_id)
    FullDisk(monkeypatch, DeliveryLog, "rejected")
    with readback.Deliveries(tracking_uri) as deliveries:
        deliveries.carry(refused, other)
        assert [("rejected", refused.run_id)] == [(state, run) for state, _, run in deliveries.said]
    assert "FINISHED" == read_delivered(other.delivery_log).status
