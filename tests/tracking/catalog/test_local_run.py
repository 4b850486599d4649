"""vreason_tracking.catalog.local_run: how a run of this machine stands, out of its folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import readback, run_states
from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import LocalRun, local_runs
from vreason_tracking.journal.lease import Lease

POINTS = 183
"""Of three samples of 12, 7 and 1 tokens and two devices."""


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


@pytest.mark.parametrize(
    ("name", "status", "unclosed", "done"),
    [
        ("running", "RUNNING", False, 1),
        ("killed", "KILLED", True, 2),
        ("offline", "FINISHED", False, 3),
        ("interrupted", "KILLED", False, 1),
        ("baseline", "FINISHED", False, 3),
        ("v-reason", "FINISHED", False, 3),
    ],
)
def test_how_it_stands(world, name, status, unclosed, done) -> None:
    """The lease tells what is under way, the last end what is over; a process that died abruptly left neither."""
    run = LocalRun(world.local[name])
    assert (status, unclosed, done, 3) == (run.status, run.unclosed, run.done, run.expected_samples)
    assert run.fault is None


def test_who_runs_it(world) -> None:
    """The process that holds the lease; nobody holds that of a run that has ended."""
    assert f"process {os.getpid()} on " in (LocalRun(world.local["running"]).holder or "")
    assert LocalRun(world.local["offline"]).holder is None


def test_to_look_changes_nothing(world) -> None:
    """Every property of a run that was killed is read, and no file of it is touched."""
    folder = world.local["killed"]
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.path.iterdir()}
    run = LocalRun(folder)
    assert (2, 166, "KILLED") == (run.done, run.recorded, run.status)
    assert (None, run.run_id) == (run.deliverer, run.ids[0])
    assert before == {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.path.iterdir()}


@pytest.mark.parametrize(
    ("name", "recorded", "delivered", "whole"),
    [("baseline", POINTS, POINTS, True), ("offline", POINTS, 0, False), ("refused", POINTS, 0, False), ("interrupted", 104, 0, False)],
)
def test_points(world, name, recorded, delivered, whole) -> None:
    """What is recorded is delivered, or waits."""
    run = LocalRun(world.local[name])
    assert (recorded, delivered, recorded - delivered, whole) == (run.recorded, run.delivered, run.waiting, run.is_delivered)


def test_marks_say_the_same_as_the_journal(world) -> None:
    """Of a run that is delivered to its end, counts come from the marks: they are those that reading everything gives."""
    from vreason_tracking.journal.reader import closed_samples, recorded_points

    run = LocalRun(world.local["v-reason"])
    assert run.is_delivered
    assert (len(closed_samples(run.folder)), recorded_points(run.folder)) == (run.done, run.recorded)


def test_continued_and_not_delivered_yet(root, store) -> None:
    """A second session makes a run that was delivered wait again."""
    folder = run_states.interrupted(root, {"s-1": 12})
    readback.deliver(folder, store)
    assert LocalRun(folder).is_delivered
    run_states.continued(folder, {"s-2": 7, "s-3": 1})
    run = LocalRun(folder)
    assert (False, 3, run.recorded - run.delivered) == (run.is_delivered, run.done, run.waiting)
    assert run.waiting > 0


def test_somebody_delivers_it(root) -> None:
    """The process that holds the delivery lease is named."""
    folder = run_states.finished(root)
    with Lease(folder.delivery_lease):
        assert "process" in (LocalRun(folder).deliverer or "")
    assert LocalRun(folder).deliverer is None


def test_ids_and_variant(world) -> None:
    """Both names where it is delivered, the journal's where it is not."""
    assert (world.local["baseline"].run_id, world.stored["baseline"]) == LocalRun(world.local["baseline"]).ids
    assert (world.local["offline"].run_id,) == LocalRun(world.local["offline"]).ids
    assert "offline" == LocalRun(world.local["offline"]).variant


def test_a_damaged_manifest(world) -> None:
    """Its fault names the file and what to do, and its id is known all the same."""
    run = LocalRun(world.local["broken"])
    assert "run.json: is not the manifest of a run" in (run.fault or "")
    assert ((run.run_id,), "", 0) == (run.ids, run.variant, run.started_ms)
    with pytest.raises(TrackingError, match="move the folder away"):
        _ = run.manifest


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"format": 99}', '{"format": 1, "run_id": 7}'])
def test_what_is_no_manifest(root, text) -> None:
    """Whatever stands in the file, it is a fault and no crash."""
    assert "run.json" in (LocalRun(run_states.spoil_manifest(run_states.finished(root), text)).fault or "")


def test_a_manifest_of_wrong_types(root) -> None:
    """JSON that has every field, one of them of another type, is refused with the field's name."""
    import json

    folder = run_states.finished(root)
    values = json.loads((folder.path / "run.json").read_text())
    run_states.spoil_manifest(folder, json.dumps(values | {"format": 1, "created_ms": "yesterday", "tags": ["a"]}))
    assert "created_ms, tags: of the wrong type" in (LocalRun(folder).fault or "")


def test_what_cannot_be_read(root) -> None:
    """A file that refuses to be read is named, with what to do."""
    folder = run_states.finished(root)
    folder.delivery_log.mkdir()  # reading it fails, for whoever reads
    assert "delivery.log: cannot be read" in (LocalRun(folder).fault or "")


def test_size_on_disk(root) -> None:
    """All files of the folder together."""
    folder = run_states.finished(root)
    assert sum(path.stat().st_size for path in folder.path.iterdir()) == LocalRun(folder).bytes_on_disk


def test_runs_of_a_journal(world) -> None:
    """Every folder with a manifest, the damaged one as well, oldest first."""
    assert sorted(folder.run_id for folder in world.local.values()) == [run.run_id for run in local_runs(world.root)]


def test_what_lies_beside_runs(root) -> None:
    """Files, empty folders and links to nowhere are no runs."""
    folder = run_states.finished(root)
    (root / "notes.txt").write_text("mine")
    (root / "empty").mkdir()
    (root / "link").symlink_to(root / "nowhere")
    assert [folder.run_id] == [run.run_id for run in local_runs(root)]


def test_a_folder_that_nobody_may_enter() -> None:
    """It is among the runs, with its fault; the others are in no way affected."""
    with tempfile.TemporaryDirectory() as name:  # not below pytest's own, which only its user may enter
        root = Path(name) / "journal"
        shut, other = run_states.finished(root), run_states.finished(root)
        for path in (Path(name), root):
            path.chmod(0o755)
        assert [None, None] == [run.fault for run in local_runs(root)]
        shut.path.chmod(0)
        with unprivileged():
            faults = {run.run_id: run.fault for run in local_runs(root)}
        shut.path.chmod(0o755)
    assert faults[other.run_id] is None
    assert "Permission denied" in (faults[shut.run_id] or "")


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody for whom permissions count."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_journal(tmp_path) -> None:
    """A folder that is not there has no runs, and is not made."""
    assert [] == local_runs(tmp_path / "none")
    assert [] == list(tmp_path.iterdir())


def test_a_file_instead_of_a_journal(tmp_path) -> None:
    """It is refused with what to do."""
    (tmp_path / "file").write_text("text")
    with pytest.raises(TrackingError, match=r"file: is a file, and a journal is a folder; name it with --journal"):
        local_runs(tmp_path / "file")
