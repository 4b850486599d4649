"""vreason_tracking.delivery.variant_run: the run in MLflow, replaced where it is of an earlier state, looked for where it was deleted."""

from __future__ import annotations

import pytest

from tests.helpers import readback, run_states
from tests.helpers.faulty_store import Away, faulty
from tests.helpers.readback import nested, series
from vreason.errors import TrackingError
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.delivery.store_check import check_store

pytestmark = pytest.mark.usefixtures("quick_pictures")


def damaged(root, store):
    """A run that was finished and delivered although steps of one sample are damaged."""
    folder = readback.recorded(root)
    run_states.flip_a_bit(folder)
    return folder, readback.deliver(folder, store).run_id


def test_a_finished_run_that_goes_on(store, client, tmp_path) -> None:
    """The damaged sample is asked again: the store then holds one summary and one set of curves, those of the whole record."""
    folder, before = damaged(tmp_path / "journal", store)
    assert 2 == len(read_delivered(folder.delivery_log).samples)
    marks = readback.deliver(run_states.continued(folder, {"s-2": 7}), store)
    assert (3, 2, "FINISHED") == (len(marks.samples), marks.session, marks.status)
    for name in ("accuracy", "samples/answered", "live/accuracy", "curve/entropy"):
        points = series(client, marks.run_id, name)
        assert len({step for step, *_ in points}) == len(points), name
    assert {"s-1", "s-2", "s-3"} == set(nested(client, marks.run_id))
    assert check_store(folder, store).intact
    assert ("deleted", marks.run_id) == (store.state_of(before), client.get_run(before).data.tags["vreason.replaced_by"])


@pytest.mark.parametrize("broken", range(1, 9))
def test_interrupted_while_it_is_replaced(store, tmp_path, broken, monkeypatch) -> None:
    """Whichever call fails, the next attempt comes to the same: one run, whole, and nothing of it twice."""
    folder, _ = damaged(tmp_path / "journal", store)
    run_states.continued(folder, {"s-2": 7})
    client = store.client
    faulty(store, lambda number, name: "after" if number == broken else None)
    delivery = RunDelivery(folder, store)
    with pytest.raises(Away):
        readback.go_on(delivery)
    delivery.close()
    store.client = client
    marks = readback.deliver(folder, store)
    assert check_store(folder, store).intact
    query = f"tags.`vreason.run_id` = '{folder.run_id}' AND tags.`vreason.kind` = 'variant'"
    assert [marks.run_id] == [run.info.run_id for run in store.all_runs(query, "attributes.start_time ASC")]


def test_deleted_in_mlflow(store, tmp_path) -> None:
    """It is said what happened, and each thing that helps."""
    folder = run_states.finished(tmp_path / "journal", store=store)
    run_id = read_delivered(folder.delivery_log).run_id
    store.client.delete_run(run_id)
    delivery = RunDelivery(folder, store)
    with pytest.raises(TrackingError, match=f"was deleted in MLflow, where it was {run_id}: `vreason-track runs restore {folder.run_id}`"):
        delivery.run.require_present()
    delivery.close()


def test_values_that_are_refused(store, tmp_path) -> None:
    """They are marked with sample and name, and the run is delivered to its end."""
    folder = readback.recorded(tmp_path / "journal", params={"seed": 0, "a//b": 1})
    marks = readback.deliver(folder, store)
    assert ("FINISHED", None) == (marks.status, marks.rejected)
    assert {(None, "parameter", "a//b")} == set(marks.excluded)
