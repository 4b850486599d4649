"""vreason_tracking.stores.refused_values: a few values that a store does not take keep none of the others from it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR, INVALID_PARAMETER_VALUE, PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST

from vreason.errors import TrackingUnavailableError
from vreason_tracking.stores.refused_values import send_all_but_refused


class Store:
    """Takes numbers, but for some; counts calls."""

    def __init__(self, refused, *, open_for_run=True):
        self.refused, self.taken, self.calls, self.open = set(refused), [], 0, open_for_run

    def send(self, items):
        self.calls += 1
        if not self.open:
            raise MlflowException("the run is deleted", INVALID_PARAMETER_VALUE)
        if wrong := [item for item in items if item in self.refused]:
            raise MlflowException(f"no {wrong[0]}", INVALID_PARAMETER_VALUE)
        self.taken += items

    def takes_values(self):
        return self.open


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 200), st.sets(st.integers(0, 199), max_size=8))
def test_all_but_those(count, refused) -> None:
    """Each that is refused is named with its reason, each other one is sent once, in a number of calls that fits."""
    store, items = Store(refused), list(range(count))
    found = send_all_but_refused(store.send, items, store.takes_values)
    wrong = [item for item in items if item in refused]
    assert [(item, f"no {item}") for item in wrong] == found
    assert [item for item in items if item not in refused] == store.taken
    assert store.calls <= 1 + 2 * len(wrong) * 9


def test_a_run_that_is_refused() -> None:
    """Where it is the run and not a value, nothing is tried value by value."""
    store = Store([], open_for_run=False)
    with pytest.raises(MlflowException, match="the run is deleted"):
        send_all_but_refused(store.send, list(range(1000)), store.takes_values)
    assert 1 == store.calls


def test_a_store_that_is_away() -> None:
    """Nothing is said of the values: all of them are sent again later."""

    def away(items):
        raise TrackingUnavailableError("away")

    with pytest.raises(TrackingUnavailableError):
        send_all_but_refused(away, [1, 2], lambda: True)


@pytest.mark.parametrize("code", [BAD_REQUEST, INTERNAL_ERROR, RESOURCE_DOES_NOT_EXIST, PERMISSION_DENIED])
def test_a_store_that_is_broken(code) -> None:
    """A missing run, right or table is no matter of a value either, though only one was sent: it is raised, and nothing left out."""

    def broken(items):
        raise MlflowException("no such table", code)

    with pytest.raises(MlflowException, match="no such table"):
        send_all_but_refused(broken, [1], lambda: True)


def test_a_run_that_was_deleted(store) -> None:
    """With MLflow itself: no value of it is left out in silence."""
    run_id = store.start_run("a", {})
    store.client.delete_run(run_id)
    with pytest.raises(MlflowException, match="active"):
        store.log(run_id, [("entropy", 0.5, 1, 0)], {"seed": 7}, {"device": "cpu"})
    assert [] == store.refused


def test_names_that_mlflow_does_not_take(store) -> None:
    """With MLflow itself: bad metrics, parameters and tags are left out and stand in `refused`; the good ones are there."""
    run_id = store.start_run("a", {"vreason.kind": "variant", "good": "y"})
    long = "k" * 300
    store.log(
        run_id,
        [("entropy", 0.5, 1, 0), ("a//b", 0.5, 1, 0), ("../c", 1.0, 1, 0), ("ema", 0.25, 1, 0)],
        {"seed": 7, long: 1},
        {"t/..": "1", "device": "cpu"},
    )
    store.log(run_id, params={"seed": 8})
    run = store.client.get_run(run_id)
    assert {"entropy": 0.5, "ema": 0.25} == run.data.metrics
    assert ({"seed": "7"}, "y", "cpu") == (run.data.params, run.data.tags["good"], run.data.tags["device"])
    expected = [("metric", "a//b"), ("metric", "../c"), ("parameter", long), ("tag", "t/.."), ("parameter", "seed")]
    assert expected == [(value.kind, value.name) for value in store.refused]
    assert {run_id} == {value.run_id for value in store.refused}
