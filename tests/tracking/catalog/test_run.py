"""vreason_tracking.catalog.run: one run as both sides of the record know it."""

from __future__ import annotations

import pytest

from tests.helpers import readback, run_states
from tests.helpers.recorded_world import PARTS
from vreason_tracking.catalog.catalog import Catalog


@pytest.fixture(scope="module")
def runs(world):
    """By variant."""
    return {run.variant: run for run in Catalog(world.root, world.uri, "vreason").read().runs}


@pytest.mark.parametrize(
    ("name", "here", "there"),
    [("baseline", True, True), ("offline", True, False), ("elsewhere", False, True), ("running", True, False), ("live", False, True)],
)
def test_which_side_knows_it(runs, name, here, there) -> None:
    """Joined by the journal's name for it."""
    assert (here, there, there) == (runs[name].local is not None, runs[name].stored is not None, runs[name].in_store)


def test_the_id_that_is_shown(runs, world) -> None:
    """MLflow's where it is delivered, else the journal's."""
    assert world.stored["baseline"] == runs["baseline"].shown_id
    assert world.local["offline"].run_id == runs["offline"].shown_id
    assert world.stored["elsewhere"] == runs["elsewhere"].shown_id


def test_what_both_sides_say(runs) -> None:
    """Config, identity, provenance and times are the same whichever side tells them."""
    for run in (runs["offline"], runs["elsewhere"]):
        assert ("trial", "4c71d97", "ada", "FINISHED") == (run.config_name, run.tags["git.commit"], run.tags["user"], run.status)
    assert PARTS == runs["v-reason"].identity
    assert (None, None) == (runs["running"].ended_ms, runs["live"].ended_ms)
    assert all(runs[name].ended_ms for name in ("offline", "elsewhere", "interrupted"))


def test_the_journal_knows_better(tracking_uri, store, tmp_path) -> None:
    """A run whose process was killed is KILLED, although its store believes that it runs."""
    folder = run_states.killed(tmp_path / "journal", tracking_uri=tracking_uri)
    readback.deliver(folder, store)
    (run,) = Catalog(tmp_path / "journal", tracking_uri, "trial").read().runs
    assert run.stored is not None
    assert ("KILLED", "RUNNING") == (run.status, run.stored.run.info.status)
