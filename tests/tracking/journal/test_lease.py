"""vreason_tracking.journal.lease: who owns a run, between real processes."""

from __future__ import annotations

import json
import os
import platform
import threading
from pathlib import Path

import pytest

from tests.helpers.disk import small_disk
from tests.helpers.lease_holder import holding
from tests.helpers.waiting import wait_until
from vreason_tracking.journal.lease import Lease, LeaseTakenError, is_held


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a-run" / "lease"


@pytest.fixture(autouse=True)
def folder(path: Path) -> Path:
    path.parent.mkdir()
    return path.parent


def test_one_at_a_time_within_a_process(path: Path) -> None:
    """A second lease of the same process is refused until the first is let go."""
    with Lease(path):
        with pytest.raises(LeaseTakenError):
            Lease(path)
        assert is_held(path)
    assert not is_held(path)
    with Lease(path):
        assert is_held(path)


def test_one_at_a_time_between_processes(path: Path) -> None:
    """Who asks while another process holds it is told its number and its machine."""
    with holding(path) as holder:
        with pytest.raises(LeaseTakenError) as caught:
            Lease(path)
        assert f"process {holder.process.pid} on {platform.node()}" == caught.value.holder
        assert f"{path.parent} is in use by process {holder.process.pid} on {platform.node()}" == str(caught.value)
        assert is_held(path)


def test_kill_9_frees_it(path: Path) -> None:
    """The kernel takes it away from a process that is gone."""
    with holding(path) as holder:
        holder.kill()
        assert not is_held(path)
        with Lease(path):
            assert os.getpid() == json.loads(path.read_text())["pid"]


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_a_child_does_not_keep_it(path: Path, how: str) -> None:
    """A child of any kind, made while it was held, lives on: the lease ends with its owner all the same."""
    with holding(path, how) as holder:
        assert is_held(path)
        holder.kill()
        os.kill(holder.child, 0)
        assert wait_until(lambda: not is_held(path), 10)  # a spawned child gives it up when its program begins
        with pytest.raises(ProcessLookupError):
            os.kill(holder.process.pid, 0)


def test_the_end_of_a_child_leaves_it_to_its_parent(path: Path) -> None:
    """A fork that ends, or lets go, takes nothing away from the process that it was made by."""
    held = Lease(path)
    child = os.fork()
    if child == 0:
        held.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert is_held(path)
    held.release()


def test_letting_go_twice(path: Path) -> None:
    """The second time does nothing, least of all to a file that has got the same number since."""
    lease = Lease(path)
    lease.release()
    with open(path.parent / "other", "w") as other:
        lease.release()
        other.write("still open")
    assert "still open" == (path.parent / "other").read_text()


def test_a_file_that_says_nothing(path: Path) -> None:
    """Only the lock counts: a stale text holds nobody up, and a text that cannot be read costs the name of the holder, nothing else."""
    path.write_text('{"pid": 1, "host": "elsewhere"}')
    assert not is_held(path)
    with Lease(path):
        path.write_text("rubbish")
        with pytest.raises(LeaseTakenError, match="in use by another process"):
            Lease(path)


def test_looking_changes_nothing(path: Path) -> None:
    """Whoever only looks makes no file, and leaves the text and the time of the last owner."""
    assert not is_held(path)
    assert not path.exists()
    path.write_text('{"pid": 1, "host": "elsewhere"}')
    os.utime(path, (1_000, 1_000))
    assert not is_held(path)
    assert ('{"pid": 1, "host": "elsewhere"}', 1_000) == (path.read_text(), path.stat().st_mtime)


def test_looking_is_in_nobodys_way(path: Path) -> None:
    """However often somebody looks, an owner that wants a free lease gets it."""
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            is_held(path)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(300):
            Lease(path).release()
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()


def test_one_of_many_gets_it(path: Path) -> None:
    """Of twenty that ask at the same moment exactly one gets it."""
    barrier, got = threading.Barrier(20), []

    def ask() -> None:
        barrier.wait()
        try:
            got.append(Lease(path))
        except LeaseTakenError:
            got.append(None)

    askers = [threading.Thread(target=ask) for _ in range(20)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert (20, 1) == (len(got), sum(lease is not None for lease in got))
    next(filter(None, got)).release()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """That is told as what it is, an OSError with the path; it is not taken for somebody else's lease."""
    with pytest.raises(OSError, match="nowhere/lease"):
        Lease(tmp_path / "nowhere" / "lease")


def test_a_full_disk(tmp_path: Path) -> None:
    """A lock needs no room: a run on a full disk can still be owned, if only to be told that its disk is full."""
    path = tmp_path / "disk" / "lease"
    with small_disk(path.parent, lambda: path) as disk:
        disk.fill()
        with Lease(path):
            assert is_held(path)
        assert not is_held(path)
