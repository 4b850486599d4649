"""vreason_tracking.journal.folder: one run's folder, and how files get into it."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests.helpers import journals
from tests.helpers.disk import DiskCalls, no_room
from vreason.errors import TrackingError
from vreason_tracking.journal.folder import MANIFEST, RunFolder, new_run_id, readable_runs, run_folders, write_whole


def test_a_runs_name() -> None:
    """The second, UTC, and six digits that no other run of that second has."""
    names = {new_run_id() for _ in range(100)}
    assert 100 == len(names)
    assert all(re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{6}", name) for name in names)
    now = time.strftime("%Y%m%dT%H", time.gmtime())
    assert now == new_run_id()[:11]


def test_a_new_folder(tmp_path: Path) -> None:
    """It is made below folders that need not be there, holds the manifest and nothing else but a lease, which is free."""
    folder = journals.new(tmp_path / "some" / "where")
    assert {MANIFEST} == {*os.listdir(folder.path)} - {folder.lease.name}
    assert (journals.RUN_ID, journals.manifest()) == (folder.run_id, RunFolder(folder.path).manifest)
    assert ([], []) == (folder.fragments(), folder.fragments(opened=True))


def test_the_same_run_twice(tmp_path: Path) -> None:
    """A run that is there is never written over."""
    journals.new(tmp_path)
    with pytest.raises(TrackingError, match=journals.RUN_ID):
        RunFolder.create(tmp_path, journals.manifest(variant="another"))
    assert "v-reason" == RunFolder(tmp_path / journals.RUN_ID).manifest.variant


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """The message names the folder, the reason and the way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match=r"file/2026.*cannot be written \(.*Not a directory.*\); fix .* tracking\.journal$"):
        journals.new(tmp_path / "file")


def test_a_disk_without_room_for_the_manifest(tmp_path: Path) -> None:
    """No run is begun: the message says which and why, and what is left is taken for no run."""
    with no_room(100), pytest.raises(TrackingError, match=rf"{journals.RUN_ID}: the journal cannot be written .*File too large.*; fix"):
        journals.new(tmp_path)
    assert ([], []) == (list(run_folders(tmp_path)), list(tmp_path.rglob("*.*")))


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_manifest(tmp_path: Path, damage: bytes) -> None:
    """The message names the file."""
    folder = journals.new(tmp_path)
    (folder.path / MANIFEST).write_bytes(damage)
    with pytest.raises(TrackingError, match=rf"{journals.RUN_ID}/run\.json"):
        _ = RunFolder(folder.path).manifest


def test_a_missing_manifest(tmp_path: Path) -> None:
    """The message names the file that was looked for."""
    with pytest.raises(TrackingError, match=r"nothing/run\.json: cannot be read"):
        _ = RunFolder(tmp_path / "nothing").manifest


def test_fragments_in_order(tmp_path: Path) -> None:
    """By number, closed and open apart; what else lies there is none."""
    folder = RunFolder(tmp_path)
    names = ["00000010.journal", "00000002.journal", "00000011.journal.open"]
    others = ["00000003.journal.new", "00000004.journal.open.new", "4.journal", "x00000005.journal", "00000006.journal~", "7.journalx"]
    for name in [*names, *others, "run.json", "lease"]:
        (tmp_path / name).write_text("")
    assert [(2, tmp_path / names[1]), (10, tmp_path / names[0])] == folder.fragments()
    assert [(11, tmp_path / names[2])] == folder.fragments(opened=True)
    assert (tmp_path / names[1], tmp_path / names[2]) == (folder.fragment(2), folder.fragment(11, opened=True))


def test_runs_of_a_journal(tmp_path: Path) -> None:
    """Oldest first; a run that died before its manifest was whole, and what is no run, are passed over."""
    for name in ("20261120T094513-000000", "20261120T094512-ffffff", "20260101T000000-aaaaaa"):
        journals.new(tmp_path, name)
    (tmp_path / "20261121T000000-bbbbbb").mkdir()
    (tmp_path / "20261121T000000-bbbbbb" / "run.json.new").write_text("{")
    (tmp_path / "notes.txt").write_text("")
    assert ["20260101T000000-aaaaaa", "20261120T094512-ffffff", "20261120T094513-000000"] == [run.run_id for run in run_folders(tmp_path)]


def test_no_journal_at_all(tmp_path: Path) -> None:
    """It has no runs."""
    assert [] == list(run_folders(tmp_path / "nowhere"))


def test_a_damaged_manifest_is_in_nobodys_way(tmp_path: Path) -> None:
    """Its run is a run of the journal, but in nobody's way who reads manifests."""
    journals.new(tmp_path, "run-1")
    (journals.new(tmp_path, "run-2").path / MANIFEST).write_text("{")
    assert ["run-1", "run-2"] == [run.run_id for run in run_folders(tmp_path)]
    assert ["run-1"] == [run.run_id for run in readable_runs(tmp_path)]


def test_a_journal_that_is_a_file(tmp_path: Path) -> None:
    """It holds no runs."""
    (tmp_path / "file").write_text("")
    assert [] == list(run_folders(tmp_path / "file"))


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are safe before it has its name, and the name is safe before the call returns."""
    disk = DiskCalls(monkeypatch)
    write_whole(tmp_path / "file", b"text")
    assert [("fsync", "file.new", b"text"), ("replace", "file.new", "file"), ("fsync", f"{tmp_path.name}/", b"")] == disk.calls
    assert (["file"], b"text") == (os.listdir(tmp_path), (tmp_path / "file").read_bytes())


def test_a_new_run_is_safe_when_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Manifest, its name, and the run's own name: all three are on disk before the first record can be."""
    disk = DiskCalls(monkeypatch)
    folder = journals.new(tmp_path)
    made = ("fsync", f"{MANIFEST}.new", (folder.path / MANIFEST).read_bytes())
    assert [made, ("replace", f"{MANIFEST}.new", MANIFEST), ("fsync", f"{folder.run_id}/", b"")] == disk.calls[:3]
    assert ("fsync", f"{tmp_path.name}/", b"") in disk.calls


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The old one stays as it was and nothing else is left behind. /dev/full takes no byte."""
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file.new").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", b"new")
    assert (["file"], b"old") == (os.listdir(tmp_path), (tmp_path / "file").read_bytes())
