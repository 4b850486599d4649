"""vreason_tracking.delivery.run_delivery when it is interrupted, or done again: the store's content is that of one undisturbed delivery.

Stores fail before a call took effect, after it, and late: the call was given up, and took effect when nobody waited for it any more.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from tests.helpers import readback, records
from tests.helpers.faulty_store import Away, at, faulty
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.stores.mlflow_store import MlflowStore

pytestmark = pytest.mark.usefixtures("quick_pictures")


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """A small run with all that a run has: two samples, one of them failed, device windows; copied for each attempt, never written to."""
    recorder = readback.recorder_of(tmp_path_factory.mktemp("again"))
    readback.answer(recorder, {"s-1": 3})
    recorder.on_sample(records.failed("it's", started_ms=records.START_MS + 2_000))
    recorder.on_device(records.device("gpu.0"))
    recorder.finish("FINISHED", None, ("a note",))
    return recorder.folder


class Attempts:
    """Deliveries of copies of one journal into an experiment each, in one database."""

    def __init__(self, uri, journal, place) -> None:
        self.uri, self.journal, self.place = uri, journal, place
        self.database = Path(uri.removeprefix("sqlite:///"))

    def begin(self, name) -> tuple[RunFolder, MlflowStore]:
        """A fresh copy and a fresh experiment."""
        folder = RunFolder(Path(shutil.copytree(self.journal.path, self.place / name / self.journal.run_id)))
        return folder, MlflowStore(self.uri, name)

    def content(self, store) -> dict:
        """What the database holds of the experiment."""
        return readback.content(self.database, store.experiment_id)


@pytest.fixture
def attempts(tracking_uri, journal, tmp_path):
    return Attempts(tracking_uri, journal, tmp_path / "copies")


@pytest.fixture
def undisturbed(attempts):
    """The content of one delivery that nothing disturbed, and the calls that it made."""
    folder, store = attempts.begin("undisturbed")
    client = faulty(store)
    readback.deliver(folder, store)
    content = attempts.content(store)
    assert {"v-reason", "s-1", "it's"} == set(content)
    assert 15 < len(client.calls) < 40
    return content, len(client.calls)


def test_again(attempts, undisturbed) -> None:
    """A second delivery of a run that is delivered makes no call that changes anything."""
    folder, store = attempts.begin("again")
    readback.deliver(folder, store)
    client = faulty(store)
    readback.deliver(folder, store)
    assert undisturbed[0] == attempts.content(store)
    assert [] == client.calls


def test_without_marks(attempts, undisturbed) -> None:
    """A delivery that has lost its marks finds every run again and doubles none; the new marks are the old ones."""
    folder, store = attempts.begin("forgotten")
    before = readback.deliver(folder, store)
    folder.delivery_log.unlink()
    assert before == readback.deliver(folder, store)
    assert undisturbed[0] == attempts.content(store)


def test_damaged_marks(attempts, undisturbed) -> None:
    """Whatever part of the marks is damaged, nothing is doubled."""
    folder, store = attempts.begin("damaged")
    before = readback.deliver(folder, store)
    whole = folder.delivery_log.read_bytes().splitlines(keepends=True)
    for kept in range(2 ** len(whole)):
        lines = [line if kept >> number & 1 else b"x" + line for number, line in enumerate(whole)]
        folder.delivery_log.write_bytes(b"".join(lines))
        marks = readback.deliver(folder, store)
        assert (before.run_id, before.samples, before.session) == (marks.run_id, marks.samples, marks.session), kept
        assert undisturbed[0] == attempts.content(store)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("goes_on", ["same process", "new process"])
def test_a_failure_at_every_call(attempts, undisturbed, moment, goes_on) -> None:
    """The n-th call fails, for all n, and delivery is taken up by the same process or by a new one: nothing is missing, nothing doubled."""
    content, calls = undisturbed
    for number in range(1, calls + 1):
        folder, store = attempts.begin(f"{number}")
        client = faulty(store, at(number, moment))
        delivery = RunDelivery(folder, store)
        with pytest.raises(Away):
            readback.go_on(delivery)
        assert number == len(client.calls)
        if goes_on == "new process":
            delivery.close()
            readback.deliver(folder, store)
        else:
            readback.go_on(delivery)
            delivery.close()
        assert content == attempts.content(store), f"call {number}, {client.calls[number - 1]}"


def test_calls_that_take_effect_late(attempts, undisturbed) -> None:
    """The n-th call takes effect after it was given up, for all n: of the runs that are not deleted there is one each, and all is whole."""
    content, calls = undisturbed
    for number in range(1, calls + 1):
        folder, store = attempts.begin(f"{number}")
        client = faulty(store, at(number, "late"))
        delivery = RunDelivery(folder, store)
        with pytest.raises(Away):
            readback.go_on(delivery)
        readback.go_on(delivery)
        delivery.close()
        there = {name: [run for run in runs if run["info"][-1] == "active"] for name, runs in attempts.content(store).items()}
        assert content == there, f"call {number}, {client.calls[number - 1]}"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_store_that_fails_again_and_again(attempts, undisturbed, seed) -> None:
    """One call in six fails, one way or another, and delivery still comes to its end with the same content."""
    folder, store = attempts.begin("poor")
    draw = random.Random(seed)
    client = faulty(store, lambda number, name: draw.choice(["before", "after"]) if draw.random() < 1 / 6 else None)
    delivery, failures = RunDelivery(folder, store), 0
    while not delivery.ended:
        try:
            readback.go_on(delivery)
        except Away:
            failures += 1
            assert failures < 200, client.calls
    delivery.close()
    assert failures
    assert undisturbed[0] == attempts.content(store)


@pytest.mark.parametrize("mark", ["opened", "sample", "devices", "closed"])
@pytest.mark.parametrize("goes_on", ["same process", "new process"])
def test_a_full_disk_under_the_marks(attempts, undisturbed, monkeypatch, mark, goes_on) -> None:
    """What was sent and could not be marked is sent again, which changes nothing."""
    folder, store = attempts.begin("full")
    delivery = RunDelivery(folder, store)
    real = getattr(delivery.log, mark)
    failures = iter([OSError(28, "No space left on device")])

    def fails(*values):
        if error := next(failures, None):
            raise error
        real(*values)

    monkeypatch.setattr(delivery.log, mark, fails)
    with pytest.raises(OSError, match="No space"):
        readback.go_on(delivery)
    if goes_on == "new process":
        delivery.close()
        readback.deliver(folder, store)
    else:
        readback.go_on(delivery)
        delivery.close()
    assert undisturbed[0] == attempts.content(store)


@pytest.mark.slow
def test_killed_at_every_call(attempts, undisturbed, journal, mlflow_template) -> None:
    """kill -9 right after the n-th call, for all n; the next process completes what is there."""
    content, calls = undisturbed
    for number in range(1, calls + 1):
        place = attempts.place / f"killed-{number}"
        place.mkdir(parents=True)
        shutil.copy(mlflow_template, place / "mlflow.db")
        mine = Attempts(f"sqlite:///{place}/mlflow.db", journal, place)
        folder = RunFolder(Path(shutil.copytree(journal.path, place / journal.run_id)))
        _die_at(number, folder, mine.uri)
        store = MlflowStore(mine.uri, "killed")
        readback.deliver(folder, store)
        assert content == mine.content(store), f"call {number}"


def _die_at(number: int, folder: RunFolder, uri: str) -> None:
    """A child delivers, and is killed within its n-th call, when that has taken effect."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            store = MlflowStore(uri, "killed")
            faulty(store, at(number, "killed"))
            readback.deliver(folder, store)
        finally:
            os._exit(3)
    _, status = os.waitpid(pid, 0)
    assert signal.SIGKILL == -os.waitstatus_to_exitcode(status)
