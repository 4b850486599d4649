"""vreason_tracking.delivery.checkpoint: the marks beside a journal."""

from __future__ import annotations

import pytest

from vreason_tracking.delivery.checkpoint import DeliveryLog, DeliveryState, read_delivered
from vreason_tracking.journal.lines import to_line


@pytest.fixture
def path(tmp_path):
    return tmp_path / "delivery.log"


def write(path, *marks) -> None:
    """Marks by name and values, through a log that is opened anew for each."""
    for name, *values in marks:
        log = DeliveryLog(path)
        getattr(log, name)(*values)
        log.close()


def test_no_marks(path) -> None:
    """Where nothing was delivered nothing is said, and reading makes no file."""
    assert DeliveryState() == read_delivered(path)
    assert not path.exists()


def test_marks_come_back(path) -> None:
    """What was marked is there for whoever reads it next."""
    write(path, ("opened", "r1", "7", "http://h"), ("sample", "a", "n1", 30), ("sample", "b", "n2", 40))
    write(path, ("devices", 5, 15), ("closed", 1, "KILLED"))
    names, times = {"a": "n1", "b": "n2"}, {"a": 0, "b": 0}
    expected = DeliveryState("r1", "7", "http://h", names, times, points=85, devices=5, session=1, status="KILLED")
    assert expected == read_delivered(path)


def test_the_owner_knows_without_reading(path) -> None:
    """`delivered` of an open log is what a reader of the file finds."""
    log = DeliveryLog(path)
    log.opened("r1", "7", "u")
    log.sample("a", "n1", 3)
    assert read_delivered(path) == log.delivered
    log.close()


def test_a_sample_counts_once(path) -> None:
    """A sample that is marked again, as after a lost mark, brings no points and keeps its first run."""
    write(path, ("sample", "a", "n1", 30), ("sample", "a", "n2", 30))
    assert ({"a": "n1"}, 30) == (read_delivered(path).samples, read_delivered(path).points)


def test_a_sample_that_was_asked_again(path) -> None:
    """The run that was made after that counts, with its points in the place of those before; marks of earlier versions tell no times."""
    write(path, ("sample", "a", "n1", 30), ("sample", "a", "n2", 44, 1), ("sample", "a", "n3", 50, 1), ("sample", "b", "n4", 10))
    state = read_delivered(path)
    assert ({"a": "n2", "b": "n4"}, {"a": 1, "b": 0}, 54) == (state.samples, state.times, state.points)


def test_devices_only_grow(path) -> None:
    """Of the marks of devices each counts what is new; an older one that comes again counts nothing."""
    write(path, ("devices", 4, 12), ("devices", 4, 12), ("devices", 2, 6), ("devices", 6, 6))
    assert (6, 18) == (read_delivered(path).devices, read_delivered(path).points)


def test_a_later_session_counts(path) -> None:
    """A run that was killed and then finished is finished."""
    write(path, ("closed", 1, "KILLED"), ("closed", 2, "FINISHED"))
    assert (2, "FINISHED") == (read_delivered(path).session, read_delivered(path).status)


def test_rejected_and_freed(path) -> None:
    """A run is rejected with its reason until it is freed; what is not rejected cannot be freed, and writes nothing."""
    write(path, ("freed",))
    assert b"" == path.read_bytes()
    write(path, ("rejected", "the run was deleted"))
    assert "the run was deleted" == read_delivered(path).rejected
    write(path, ("freed",))
    assert read_delivered(path).rejected is None


@pytest.mark.parametrize("cut", [1, 10, 25])
def test_a_torn_tail_is_cut(path, cut) -> None:
    """After a crash in the middle of a mark that mark is lost, and the next one is readable."""
    write(path, ("sample", "a", "n1", 30), ("sample", "b", "n2", 40))
    path.write_bytes(path.read_bytes()[:-cut])
    write(path, ("sample", "c", "n3", 50))
    assert {"a": "n1", "c": "n3"} == read_delivered(path).samples


def test_damage_in_the_middle(path) -> None:
    """A flipped bit costs its own mark and no other."""
    write(path, ("sample", "a", "n1", 30), ("sample", "b", "n2", 40), ("sample", "c", "n3", 50))
    data = bytearray(path.read_bytes())
    data[data.index(b"n2")] ^= 1
    path.write_bytes(data)
    assert {"a": "n1", "c": "n3"} == read_delivered(path).samples


def test_marks_of_a_later_version(path) -> None:
    """A kind that is not known is passed over."""
    path.write_bytes(to_line(["weather", "fine"]) + to_line(["sample", "a", "n1", 30]))
    assert {"a": "n1"} == read_delivered(path).samples


@pytest.mark.parametrize("name", ["it's", 'a "b"', "größe/日本", "a\\b", "a\nb", "\udcff", "x" * 500])
def test_any_sample_id(path, name) -> None:
    """Whatever a sample is called, its mark comes back."""
    write(path, ("sample", name, "n1", 1))
    assert {name: "n1"} == read_delivered(path).samples
