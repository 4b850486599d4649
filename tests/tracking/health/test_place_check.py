"""vreason_tracking.health.place_check: folders that a run writes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from vreason_tracking.health.place_check import disk, place_checks, store_folder


def test_a_folder(tmp_path: Path) -> None:
    """One that is there, and one that would be made; nothing is left in either."""
    assert ("ok", f"{tmp_path} can be written") == (lambda check: (check.state, check.detail))(next(place_checks(tmp_path)))
    assert f"{tmp_path}/a/b can be created" == next(place_checks(tmp_path / "a" / "b")).detail
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_its_place(tmp_path: Path, place: str) -> None:
    """A file where a folder belongs is named."""
    (tmp_path / "file").touch()
    (check,) = place_checks(tmp_path / place)
    assert ("failure", f"{tmp_path}/file is a file, and a folder is needed") == (check.state, check.detail)


def test_a_folder_that_cannot_be_written() -> None:
    """Not even by root."""
    (check,) = place_checks(Path("/proc/journal"), "journal")
    assert ("journal", "failure") == (check.name, check.state)
    assert "/proc/journal cannot be written: " in check.detail


def test_the_folder_of_a_server_is_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a server or no file, a run writes into the current folder; with a file, into the file's, which may be new."""
    monkeypatch.chdir(tmp_path)
    for uri in ("http://h", "sqlite://", "sqlite:///:memory:", "sqlite:///mlflow.db?timeout=3"):
        assert tmp_path == store_folder(uri)
    assert tmp_path / "a" / "b" == store_folder("sqlite:///a/b/mlflow.db")


@pytest.mark.parametrize(
    ("free", "state"),
    [(0, "failure"), (199_999_999, "failure"), (200_000_000, "warning"), (1_999_999_999, "warning"), (2_000_000_000, "ok")],
)
def test_room_on_the_disk(free: int, state: str) -> None:
    """Below 200 MB is a failure, below 2 GB a warning; what is not well says so."""
    check = disk(Path("/data"), free)
    assert (state, state != "ok") == (check.state, check.hint != "")
