"""vreason_tracking.delivery.scheduler while the store is unavailable: it is left alone ever longer, and nothing is lost or doubled."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException, RestException

from tests.helpers import readback
from tests.helpers.faulty_store import Away, faulty
from tests.helpers.readback import Deliveries
from vreason_tracking.delivery import scheduler
from vreason_tracking.delivery.backoff import FIRST, Backoff
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.delivery.store_check import check_store
from vreason_tracking.stores.mlflow_store import MlflowStore

pytestmark = pytest.mark.usefixtures("quick_pictures")


class Switch:
    """A real store that can be switched off."""

    def __init__(self, uri, name="trial") -> None:
        self.on, self.store = True, MlflowStore(uri, name)
        self.client = faulty(self.store, lambda number, name: None if self.on else "before")

    def open(self, name):
        return self.store


@pytest.fixture
def switch(tracking_uri):
    return Switch(tracking_uri)


@pytest.fixture
def quick(monkeypatch):
    """Waits of a hundredth of the length."""
    real = Backoff.failed
    monkeypatch.setattr(Backoff, "failed", lambda self: real(self) / 100)


def settle(deliveries, seconds=3.0, until=lambda: False) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and deliveries.rounds.unfinished() and not until():
        deliveries.rounds.run_once()
        time.sleep(0.002)


def test_away_and_back(tracking_uri, switch, tmp_path, quick) -> None:
    """It is told once that the store is unavailable, and once that it is back; then everything is there."""
    folder = readback.recorded(tmp_path / "journal")
    with Deliveries(tracking_uri, switch.open) as deliveries:
        deliveries.rounds.add(folder)
        switch.on = False
        settle(deliveries, 0.5)
        assert ["unavailable"] == deliveries.states()
        assert [folder] == deliveries.rounds.unfinished()
        switch.on = True
        settle(deliveries)
        assert ["unavailable", "ready"] == deliveries.states()
    assert "FINISHED" == read_delivered(folder.delivery_log).status
    assert 3 == len(readback.nested(switch.store.client, read_delivered(folder.delivery_log).run_id))


def test_the_reason_is_told(tracking_uri, switch, tmp_path) -> None:
    """In a line, without a password."""
    with Deliveries(tracking_uri, switch.open) as deliveries:
        deliveries.rounds.failed(Away("http://me:s3cret@h:1/: no answer\nat all"), None)
    assert [("unavailable", "http://me:***@h:1/: no answer", "")] == deliveries.said


def test_it_is_left_alone(tracking_uri, switch, tmp_path) -> None:
    """While the wait lasts it is not called; each wait is about twice the one before."""
    folder, other = readback.recorded(tmp_path / "journal"), readback.recorded(tmp_path / "journal")
    switch.on = False
    waits = []
    with Deliveries(tracking_uri, switch.open) as deliveries:
        deliveries.rounds.add(folder)
        deliveries.rounds.add(other)
        while len(waits) < 3:
            before = len(switch.client.calls)
            waits.append(deliveries.rounds.run_once())
            assert before + 1 == len(switch.client.calls), "one question tells enough: the other run's would fail alike"
            assert 0 < deliveries.rounds.run_once() <= waits[-1]
            assert before + 1 == len(switch.client.calls)
            time.sleep(waits[-1] + 0.01)
    bounds = [(FIRST * 2**n / 2 - 0.1, FIRST * 2**n) for n in range(3)]
    assert [] == [(wait, bound) for wait, bound in zip(waits, bounds, strict=True) if not bound[0] <= wait <= bound[1]]


def test_an_answer_resets_the_wait(tracking_uri, switch, tmp_path, quick) -> None:
    """After it has answered, the next absence begins with a short wait."""
    folder, later = readback.recorded(tmp_path / "journal"), readback.recorded(tmp_path / "journal")
    with Deliveries(tracking_uri, switch.open) as deliveries:
        switch.on = False
        deliveries.rounds.add(folder)
        settle(deliveries, 0.5)
        assert deliveries.rounds._backoff.failures > 3
        switch.on = True
        settle(deliveries)
        switch.on = False
        deliveries.rounds.add(later)
        deliveries.rounds.run_once()
        assert 1 == deliveries.rounds._backoff.failures


def test_nothing_to_do_is_no_answer(tracking_uri, switch, tmp_path, quick) -> None:
    """While a run has nothing new, nobody asks the store; that does not make it there again."""
    recorder = readback.recorder_of(tmp_path / "journal")
    readback.answer(recorder, {"s-1": 3})
    with Deliveries(tracking_uri, switch.open) as deliveries:
        deliveries.rounds.add(recorder.folder)
        settle(deliveries, until=lambda: bool(read_delivered(recorder.folder.delivery_log).samples))
        settle(deliveries, 1.5)
        switch.on = False
        for _ in range(3):
            deliveries.rounds.send_heartbeat()
            settle(deliveries, 0.05)
        assert ["unavailable"] == deliveries.states()
    recorder.finish("FINISHED")


def test_a_store_that_cannot_even_be_opened(tracking_uri, tmp_path, quick) -> None:
    """The same as one that does not answer; it is opened when it is there."""
    folder, attempts = readback.recorded(tmp_path / "journal"), []

    def open(name):
        attempts.append(name)
        if len(attempts) < 4:
            raise Away("no answer")
        return MlflowStore(tracking_uri, name)

    with Deliveries(tracking_uri, open) as deliveries:
        deliveries.rounds.add(folder)
        settle(deliveries)
        assert (["unavailable", "ready"], True) == (deliveries.states(), len(attempts) >= 4)
    assert "FINISHED" == read_delivered(folder.delivery_log).status


def test_one_run_that_always_fails(tracking_uri, tmp_path, quick) -> None:
    """A run that makes the server fail each time, which looks like an absence, does not keep the others from arriving."""
    bad, good = readback.recorded(tmp_path / "journal", name="bad"), readback.recorded(tmp_path / "journal", name="good")

    store = MlflowStore(tracking_uri, "trial")
    real = store.client.create_run

    def create_run(experiment, **keywords):
        if keywords["run_name"] == "bad":
            raise Away("500 Internal Server Error")
        return real(experiment, **keywords)

    store.client.create_run = create_run
    with Deliveries(tracking_uri, lambda name: store) as deliveries:
        deliveries.rounds.add(bad)
        deliveries.rounds.add(good)
        settle(deliveries, 2.0, until=lambda: read_delivered(good.delivery_log).status is not None)
    assert "FINISHED" == read_delivered(good.delivery_log).status


@pytest.mark.slow
def test_a_locked_file(tracking_uri, tmp_path) -> None:
    """While another process holds the SQLite file, delivery waits; then everything is there, and nothing twice."""
    folder, expected = readback.recorded(tmp_path / "journal"), readback.recorded(tmp_path / "journal", experiment="undisturbed")
    database = Path(tracking_uri.removeprefix("sqlite:///"))
    readback.carry(tracking_uri, expected)
    store = MlflowStore(tracking_uri, "trial")  # MLflow waits for a locked file for 20 s before it gives up
    with Deliveries(tracking_uri, lambda name: store) as deliveries, closing(sqlite3.connect(database)) as holder:
        deliveries.rounds.add(folder)
        holder.execute("BEGIN EXCLUSIVE")
        settle(deliveries, 60, until=lambda: "unavailable" in deliveries.states())
        assert ["unavailable"] == deliveries.states()
        assert "locked" in deliveries.said[0][1]
        holder.rollback()
        settle(deliveries, 60)
    whole = [_content(database, read_delivered(each.delivery_log).experiment_id) for each in (expected, folder)]
    assert whole[0] == whole[1]


def _content(database, experiment_id) -> dict:
    found = readback.content(database, experiment_id, ["vreason.run_id"])
    (run,) = found["v-reason"]
    end = run["info"][2]
    run["info"][2] = None
    run["points"] = [(key, step, 0 if stamp == end else stamp, *rest) for key, step, stamp, *rest in run["points"]]
    return found


PAGES = {
    "a login page": lambda: MlflowException(
        "API request to endpoint was successful but the response body was not in a valid JSON format. Response body: '<html>'"
    ),
    "404 of a proxy": lambda: MlflowException("API request to endpoint /api/2.0/mlflow/runs/log-batch failed with error code 404 != 200."),
    "401 of a proxy": lambda: MlflowException("API request to endpoint /api/2.0/mlflow/runs/log-batch failed with error code 401 != 200."),
    "a redirect": lambda: MlflowException("API request to endpoint /api/2.0/mlflow/runs/log-batch failed with error code 302 != 200."),
    "a session that ran out": lambda: RestException({"error_code": "UNAUTHENTICATED", "message": "log in"}),
}


@pytest.mark.parametrize("page", PAGES)
def test_something_else_answers_for_a_while(tracking_uri, tmp_path, quick, monkeypatch, page) -> None:
    """A page in the place of a store that has worked passes: it is waited for, longer than for silence, and then all is delivered."""
    monkeypatch.setattr(scheduler, "_MISDIRECTED", 0.05)
    folder = readback.recorded(tmp_path / "journal")
    store, wrong = MlflowStore(tracking_uri, "trial"), []

    def fails(number, name):
        if wrong and name == "log_batch":
            raise wrong.pop()()

    faulty(store, fails)
    with Deliveries(tracking_uri, lambda name: store) as deliveries:
        deliveries.rounds.add(folder)
        wrong += [PAGES[page]] * 3
        settle(deliveries)
        assert ["unavailable", "ready"] == deliveries.states()
    assert [] == wrong
    assert "FINISHED" == read_delivered(folder.delivery_log).status
    assert check_store(folder, store).intact


def test_a_first_answer_of_something_else(tracking_uri, tmp_path) -> None:
    """At the first call it is a wrong address: nobody waits for that."""
    folder = readback.recorded(tmp_path / "journal")

    def open_store(name):
        raise PAGES["404 of a proxy"]()

    with Deliveries(tracking_uri, open_store) as deliveries:
        deliveries.rounds.add(folder)
        deliveries.rounds.run_once()
        assert ["rejected"] == deliveries.states()


def test_in_a_hurry(tracking_uri, switch, tmp_path) -> None:
    """Somebody waits for the end: what would be asked in half a minute is asked now, and then every second at the latest."""
    folder = readback.recorded(tmp_path / "journal")
    switch.on = False
    with Deliveries(tracking_uri, switch.open) as deliveries:
        deliveries.rounds.add(folder)
        deliveries.rounds._backoff.failures = 10
        assert deliveries.rounds.run_once() > 10
        deliveries.rounds.hurry()
        assert deliveries.rounds.run_once() <= 1.0
        switch.on = True
        settle(deliveries, 5.0)
    assert "FINISHED" == read_delivered(folder.delivery_log).status
