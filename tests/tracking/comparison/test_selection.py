"""vreason_tracking.comparison.selection: which runs are meant, and what is said of those that are left out."""

from __future__ import annotations

import re

import pytest

from tests.helpers import readback, run_states
from tests.helpers.ports import free_port
from vreason.errors import TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.comparison.selection import config_runs, experiment_runs, named_runs

DAY = 24 * 3_600_000


def variants(runs):
    return [run.variant for run in runs]


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


def test_by_any_name(world) -> None:
    """Ids of the journal and of MLflow, beginnings of both, and variants, in the order in which they are named."""
    catalog = Catalog(world.root, world.uri, None)
    names = [world.stored["v-reason"], "offline", world.local["baseline"].run_id, world.stored["elsewhere"][:12]]
    assert ["v-reason", "offline", "baseline", "elsewhere"] == variants(named_runs(catalog, names).runs)


def test_the_same_run_twice(world) -> None:
    """By whichever names it is called, a run is compared once, where it was named first."""
    catalog = Catalog(world.root, world.uri, None)
    local, stored = world.local["v-reason"].run_id, world.stored["v-reason"]
    names = [local, "baseline", stored, "v-reason", stored[:14], world.stored["baseline"]]
    assert ["v-reason", "baseline"] == variants(named_runs(catalog, names).runs)
    assert ["elsewhere"] == variants(named_runs(catalog, ["elsewhere", world.stored["elsewhere"]]).runs)


def test_a_baseline_that_is_not_named(world) -> None:
    """It joins the runs, first of them; one that is among them, by whichever name, stays where it is."""
    catalog = Catalog(world.root, world.uri, None)
    assert ["baseline", "v-reason"] == variants(named_runs(catalog, ["v-reason"], "baseline").runs)
    for name in ("baseline", world.stored["baseline"], world.stored["baseline"][:12], world.local["baseline"].run_id):
        assert ["v-reason", "baseline"] == variants(named_runs(catalog, ["v-reason", "baseline"], name).runs)
    with pytest.raises(TrackingError, match="no run 'nobody'"):
        named_runs(catalog, ["v-reason"], "nobody")


@pytest.mark.parametrize("side", ["journal", "store", "variant"])
def test_both_sides_of_a_named_run(world, side) -> None:
    """However it is called, a delivered run comes with its MLflow run and experiment: the comparison is logged beside it."""
    name = {"journal": world.local["baseline"].run_id, "store": world.stored["baseline"], "variant": "baseline"}[side]
    (run,) = named_runs(Catalog(world.root, world.uri, None), [name]).runs
    assert run.stored is not None
    assert (True, world.stored["baseline"]) == (run.in_store, run.mlflow_id)


def test_without_the_store(world) -> None:
    """A run that the journal has is found all the same while the store is unavailable."""
    catalog = Catalog(world.root, f"http://127.0.0.1:{free_port()}", None)
    (run,) = named_runs(catalog, [world.local["baseline"].run_id]).runs
    assert (True, None) == (run.local is not None, run.stored)


def test_the_newest_of_a_variant(root, tracking_uri) -> None:
    """A variant's name stands for its newest run."""
    for day in (3, 1, 2):
        run_states.finished(root, "same", created_ms=readback.CREATED_MS + day * DAY)
    (run,) = named_runs(Catalog(root, tracking_uri, None), ["same"]).runs
    assert readback.CREATED_MS + 3 * DAY == run.started_ms


def test_no_such_run(world) -> None:
    """The message has what was asked for, where, and what is there."""
    with pytest.raises(TrackingError, match=r"no run 'nobody' in .*the newest are: .*\(live\)"):
        named_runs(Catalog(world.root, world.uri, "vreason"), ["baseline", "nobody"])


def test_an_ambiguous_beginning(world) -> None:
    """The beginning of several ids is none's."""
    with pytest.raises(TrackingError, match=r"is the beginning of .* run ids"):
        named_runs(Catalog(world.root, world.uri, None), ["2"])


def test_an_experiment(root, tracking_uri) -> None:
    """The newest finished run of every config and variant, oldest first; what is left out is counted in words."""
    about = {"experiment": "x"}
    for day, (name, config) in enumerate([("a", "one"), ("b", "one"), ("a", "two"), ("b", "one"), ("a", "one")]):
        run_states.finished(root, name, config_name=config, created_ms=readback.CREATED_MS + day * DAY, **about)
    run_states.interrupted(root, {"s-1": 3}, "a", config_name="one", created_ms=readback.CREATED_MS + 9 * DAY, **about)
    run_states.finished(root, "c", experiment="other")
    found, excluded = experiment_runs(Catalog(root, tracking_uri, "x").read(), "x")
    assert [("a", "two", 2), ("b", "one", 3), ("a", "one", 4)] == [
        (run.variant, run.config_name, (run.started_ms - readback.CREATED_MS) // DAY) for run in found
    ]
    assert "of experiment x, left out: 2 older run(s) of the same variants and 1 run(s) that are not finished" == excluded


def test_an_experiment_with_nothing_left_out(root, tracking_uri) -> None:
    """Then nothing is said."""
    for name in "ab":
        run_states.finished(root, name, experiment="x")
    found, excluded = experiment_runs(Catalog(root, tracking_uri, "x").read(), "x")
    assert (2, None) == (len(found), excluded)


def test_an_experiment_on_both_sides(world) -> None:
    """Runs of other machines are among them; each run is there once."""
    found, excluded = experiment_runs(Catalog(world.root, world.uri, "vreason").read(), "vreason")
    assert ["elsewhere", "v-reason", "baseline", "damaged", "refused", "offline"] == variants(found)
    assert "of experiment vreason, left out: 5 run(s) that are not finished" == excluded


def test_no_finished_run(root, tracking_uri) -> None:
    """The message names the experiment and both sides, and how many runs are not finished."""
    catalog = Catalog(root, tracking_uri, "x")
    text = f"no finished run in experiment 'x' of {tracking_uri} or of {root}"
    with pytest.raises(TrackingError) as nothing:
        experiment_runs(catalog.read(), "x")
    assert text == str(nothing.value)
    run_states.interrupted(root, {"s-1": 3}, experiment="x")
    with pytest.raises(TrackingError, match=re.escape(f"{text}; 1 run(s) there are not finished (`vreason-track runs list` shows them)")):
        experiment_runs(Catalog(root, tracking_uri, "x").read(), "x")


def call(root, config, call_id, day, *names, **changes):
    """A call of `run`: its variants one after the other, as they stand in the config; made in another order."""
    for place, name in reversed(list(enumerate(names))):
        about = {"tags": {"device": "cpu", "host": "here", "vreason.call": call_id}, "call_id": call_id, "call_position": place}
        run_states.finished(root, name, config_name=config, created_ms=readback.CREATED_MS + day * DAY, **about, **changes)


@pytest.fixture
def calls(root):
    call(root, "sweep", "first", 1, "z", "y", "x")
    call(root, "sweep", "second", 3, "z", "a", "m")
    call(root, "other", "third", 4, "a", "b")
    return root


@pytest.mark.parametrize(
    ("name", "expected"), [("sweep", ["z", "a", "m"]), ("first", ["z", "y", "x"]), ("second", ["z", "a", "m"]), ("other", ["a", "b"])]
)
def test_a_call_of_a_config(calls, tracking_uri, name, expected) -> None:
    """The newest of a config's name, or the one of an id, in the order of the config."""
    assert expected == variants(config_runs(Catalog(calls, tracking_uri, None).read(), name))


def test_a_call_with_an_unfinished_run(calls, tracking_uri) -> None:
    """It is among them: to leave it out in silence would make the comparison another one."""
    about = {"call_id": "fourth", "config_name": "sweep", "created_ms": readback.CREATED_MS + 5 * DAY}
    run_states.finished(calls, "z", call_position=0, **about)
    run_states.interrupted(calls, {"s-1": 3}, "a", call_position=1, **about)
    found = config_runs(Catalog(calls, tracking_uri, None).read(), "sweep")
    assert [("z", "FINISHED"), ("a", "KILLED")] == [(run.variant, run.status) for run in found]


def test_a_call_of_another_machine(root, tracking_uri, store, tmp_path) -> None:
    """Known from the store alone, by its tag; variants begun one after the other stay in that order."""
    for place, name in enumerate(("z", "a")):
        tags = {"config.name": "sweep"}
        folder = run_states.finished(tmp_path / "there", name, tags=tags, call_id="far", created_ms=readback.CREATED_MS + place)
        readback.deliver(folder, store)
    for wanted in ("sweep", "far"):
        assert ["z", "a"] == variants(config_runs(Catalog(root, tracking_uri, None).read(), wanted))


def test_runs_that_name_no_call(root, tracking_uri, store, tmp_path) -> None:
    """Earlier versions recorded none: runs of another config are not swept in with them."""
    for name, config in (("a", "one"), ("b", "two")):
        folder = run_states.finished(tmp_path / "there", name, tags={"config.name": config})
        readback.deliver(folder, store)
    catalog = Catalog(root, tracking_uri, None)
    assert ["a"] == variants(config_runs(catalog.read(), "one"))
    with pytest.raises(TrackingError, match="no run of a config named ''"):
        config_runs(catalog.read(), "")


def test_no_such_config(calls, tracking_uri) -> None:
    """The message names the configs that there are, the newest first."""
    with pytest.raises(TrackingError, match=re.escape("no run of a config named 'nobody'; there are runs of: other, sweep")):
        config_runs(Catalog(calls, tracking_uri, None).read(), "nobody")


def test_no_run_at_all(root, tracking_uri) -> None:
    """Nor any config."""
    with pytest.raises(TrackingError, match="there are runs of: none"):
        config_runs(Catalog(root, tracking_uri, None).read(), "trial")


def test_what_servers_recorded_is_no_variant(root, tracking_uri) -> None:
    """Served replies stand in the experiment beside its runs; they are compared with one run, by name, and not as one of them."""
    for name, tags in (("baseline", {}), ("v-reason", {}), ("shapes/1", {"source": "served"})):
        run_states.finished(root, name, tags=tags)
    found, _ = experiment_runs(Catalog(root, tracking_uri, None).read_journal(), "vreason")
    assert ["baseline", "v-reason"] == sorted(variants(found))
