"""vreason_tracking.catalog.journal_check: which runs are checked, and that whatever is wrong is named."""

from __future__ import annotations

import pytest

from tests.helpers import run_states
from vreason.errors import TrackingError
from vreason_tracking.catalog.journal_check import check, chosen_folders


def test_all_runs(world) -> None:
    """Without names every run, the damaged one as well."""
    assert sorted(folder.run_id for folder in world.local.values()) == [folder.run_id for folder in chosen_folders(world.root, [])]


def test_those_named(world) -> None:
    """By id or variant, in the order given, each once."""
    broken = world.local["broken"].run_id
    chosen = chosen_folders(world.root, ["offline", broken, world.local["offline"].run_id, "killed"])
    assert [world.local["offline"].run_id, broken, world.local["killed"].run_id] == [folder.run_id for folder in chosen]


def test_an_unknown_run(world) -> None:
    """Named, with the newest of those that are there; damaged ones have no name to show."""
    with pytest.raises(TrackingError, match=r"no run 'nothing' in the journal .*; the newest are: 2\S+ \("):
        chosen_folders(world.root, ["nothing"])


@pytest.mark.parametrize(
    ("name", "intact", "samples"), [("offline", True, 3), ("killed", True, 2), ("damaged", False, 2), ("broken", False, 3)]
)
def test_what_is_found(world, name, intact, samples) -> None:
    """A bit that was flipped and a manifest that is none are damages; what a killed process left open is not."""
    found = check(world.local[name])
    assert (intact, samples) == (found.intact, found.samples)


def test_a_fragment_that_cannot_be_read(tmp_path) -> None:
    """It is a damage with its reason, and no crash."""
    folder = run_states.finished(tmp_path)
    _, path = folder.fragments()[1]
    path.unlink()
    path.mkdir()
    found = check(folder)
    assert (False, 1) == (found.intact, len(found.damages))
    assert path.name in str(found.damages[0])


def test_a_run_under_way_is_intact(tmp_path) -> None:
    """However often it is looked at while fragments are being closed: nothing is missing that was only just made."""
    from tests.helpers import records

    with run_states.running(tmp_path, {"s-0": 1}) as recorder:
        for number in range(1, 120):
            reply = records.steps(f"s-{number}", 2)
            recorder.on_steps(reply)
            recorder.on_sample(records.sample(f"s-{number}", reply))
            found = check(recorder.folder)
            assert (True, True) == (found.intact, found.live), found.damages
