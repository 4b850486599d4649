"""vreason.home: files of a user who has no home."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from vreason.home import require_home, temporary_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without a name, and no HOME."""

    def expanduser(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(Path, "expanduser", expanduser)


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    """It is made once, and nobody else may read it."""
    own = temporary_folder()
    assert own == temporary_folder() == tmp_path / f"vreason-track-{os.getuid()}"
    assert 0o700 == own.stat().st_mode & 0o777


def test_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or a link that another user has put there is not taken."""
    own = temporary_folder()
    own.rmdir()
    (tmp_path / "elsewhere").mkdir()
    own.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="somebody else's"):
        temporary_folder()


def test_a_home_is_named_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """In HOME, which children inherit."""
    homeless(monkeypatch)
    require_home()
    assert str(temporary_folder()) == os.environ["HOME"]


def test_a_home_that_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named or not."""
    monkeypatch.setenv("HOME", "/home/somebody")
    require_home()
    assert "/home/somebody" == os.environ["HOME"]
    monkeypatch.delenv("HOME")
    require_home()
    assert "HOME" not in os.environ


def test_no_temporary_folder_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is named; what needs a home says so itself."""
    homeless(monkeypatch)
    (tmp_path / f"vreason-track-{os.getuid()}").write_text("a file")
    require_home()
    assert "HOME" not in os.environ
